/** Numbers as LevelDB writes them: 7 bits a byte, lowest first. */
export class VarintReader {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes
    this.#at = at
  }

  get at(): number {
    return this.#at
  }

  get ended(): boolean {
    return this.#at >= this.#bytes.length
  }

  /** Beyond 2^53 it is damage, and lies behind the end of any file. @throws RangeError at the end */
  number(): number {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes.readUInt8(this.#at++)
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }

  skip(bytes: number): void {
    this.#at += bytes
  }
}
