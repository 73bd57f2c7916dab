/** A small file system of its own, to be filled. Needs root and the right to mount. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { cleanUp, tempDir } from './temp.js'

const run = (...args: string[]) => spawnSync(args[0]!, args.slice(1)).status === 0

/**
 * Where a small ext4 on a loop device is mounted, or a tmpfs where there are no loop devices;
 * undefined where neither can be had.
 */
export function smallDisk(bytes: number): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined
  const folder = tempDir('dps-disk-')
  const mountPoint = join(folder, 'mnt')
  const image = join(folder, 'image')
  run('mkdir', mountPoint)
  const ext4 =
    run('truncate', '-s', String(bytes), image) &&
    run('mkfs.ext4', '-q', '-m', '0', image) &&
    run('mount', '-o', 'loop', image, mountPoint)
  const mounted = ext4 || run('mount', '-t', 'tmpfs', '-o', `size=${bytes}`, 'dps', mountPoint)
  if (!mounted) return undefined
  cleanUp(() => {
    if (!run('umount', mountPoint)) run('umount', '-l', mountPoint)
  })
  return mountPoint
}

/** Whether {@link smallDisk} will give one. */
export function canMount(): boolean {
  return (
    process.platform === 'linux' &&
    process.getuid?.() === 0 &&
    run('unshare', '-m', 'mount', '-t', 'tmpfs', 'dps', '/mnt')
  )
}
