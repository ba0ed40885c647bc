// A library that makes fsync and fdatasync of a process fail with EIO, where a C compiler is at hand. Knows no test runner.
import { spawnSync } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface FaultySync {
  /** For the process whose syncs are to fail. */
  readonly env: Readonly<Record<string, string>>
  readonly failOnce: () => Promise<void>
  readonly failAlways: () => Promise<void>
  readonly stop: () => Promise<void>
}

const source = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file that is there makes syncs fail; one with something in it goes with the first. */
static int fails(void) {
  const char *path = getenv("PARLEY_SYNC_FAULT");
  struct stat found;
  if (path == NULL || stat(path, &found) != 0) return 0;
  if (found.st_size > 0) unlink(path);
  errno = EIO;
  return 1;
}

typedef int (*sync_call)(int);

int fsync(int fd) { return fails() ? -1 : ((sync_call)dlsym(RTLD_NEXT, "fsync"))(fd); }
int fdatasync(int fd) { return fails() ? -1 : ((sync_call)dlsym(RTLD_NEXT, "fdatasync"))(fd); }
`

/** Builds it in a folder; the reason, when that is not possible here. */
export async function makeFaultySync(folder: string): Promise<FaultySync | { readonly refused: string }> {
  const code = join(folder, 'faulty-sync.c')
  const library = join(folder, 'faulty-sync.so')
  const fault = join(folder, 'sync-fault')
  await writeFile(code, source)
  const built = spawnSync('cc', ['-shared', '-fPIC', '-o', library, code, '-ldl'], { encoding: 'utf8' })
  if (built.status !== 0) return { refused: built.error?.message ?? built.stderr.trim() }
  return {
    env: { LD_PRELOAD: library, PARLEY_SYNC_FAULT: fault },
    failOnce: async () => await writeFile(fault, 'once'),
    failAlways: async () => await writeFile(fault, ''),
    stop: async () => await rm(fault, { force: true }),
  }
}
