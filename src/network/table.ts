/** What the network room asks of a LevelDB sublevel (keys utf8, values `view`). */

export type TableOp = { type: 'put'; key: string; value: Uint8Array } | { type: 'del'; key: string }

export interface TableRange {
  gt?: string
  gte?: string
  lt?: string
  lte?: string
  limit?: number
}

export interface Table {
  get(key: string): Promise<Uint8Array | undefined>
  getMany(keys: string[]): Promise<(Uint8Array | undefined)[]>
  put(key: string, value: Uint8Array): Promise<void>
  del(key: string): Promise<void>
  batch(operations: TableOp[]): Promise<void>
  iterator(range: TableRange): AsyncIterable<[string, Uint8Array]>
}
