// A disk that can be full: a small file system in memory, where this machine lets us mount one. Knows no test runner.
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface SmallDisk {
  /** An empty folder on it. */
  readonly folder: string
  /** Fills it but for about so many bytes. */
  readonly fill: (leftBytes: number) => Promise<void>
  /** Takes away what filled it. */
  readonly free: () => Promise<void>
  readonly dispose: () => Promise<void>
}

/** Mounts one; the reason, when that is not allowed here. */
export async function mountSmallDisk(mebibytes: number): Promise<SmallDisk | { readonly refused: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-disk-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder], { encoding: 'utf8' })
  if (mounted.status !== 0) {
    await rm(folder, { recursive: true })
    return { refused: mounted.error?.message ?? mounted.stderr.trim() }
  }
  const filler = join(folder, 'filler')
  return {
    folder,
    fill: async (leftBytes) => {
      const { bavail, bsize } = await statfs(folder)
      await writeFile(filler, Buffer.alloc(Math.max(0, bavail * bsize - leftBytes), 1))
    },
    free: async () => await rm(filler, { force: true }),
    dispose: async () => {
      const unmounted = spawnSync('umount', ['--lazy', folder], { encoding: 'utf8' })
      if (unmounted.status !== 0) throw new Error(`cannot unmount ${folder}: ${unmounted.stderr}`)
      await rm(folder, { recursive: true })
    },
  }
}
