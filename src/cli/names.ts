/** Names from others become file names here: what this system can't or must not create. */

const WINDOWS_DEVICES = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?$/i

/** Why `name` can't be a file's name; undefined when it can. Checked again at this end of the wire. */
export function nameProblem(
  name: string,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  if (name === '') return 'it is empty'
  if (name === '.' || name === '..') return 'it means another folder'
  if (name.includes('/') || name.includes('\0')) return 'it holds "/" or NUL'
  if (platform !== 'win32') return undefined
  if (/[\\:*?"<>|]/.test(name) || hasControls(name)) return 'Windows does not allow its characters'
  if (/[ .]$/.test(name)) return 'Windows drops its last character'
  if (WINDOWS_DEVICES.test(name)) return 'it names a device'
  return undefined
}

function hasControls(name: string): boolean {
  return [...name].some((char) => char.charCodeAt(0) < 0x20)
}
