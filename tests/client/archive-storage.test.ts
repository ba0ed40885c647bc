// What a client tells of its kept archives.
import { expect, test, vi } from 'vitest'

import { createArchiveStorage } from '../../client/archive-storage.ts'
import { keepingMemory } from '../helpers/open-rig.ts'

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))

test('[PAGE4] it is asked once that what is kept stays, when a conversation is opened', async () => {
  const ask = vi.fn<() => Promise<boolean>>(async () => true)
  const archive = createArchiveStorage(Promise.resolve(keepingMemory()), ask)
  await settle()
  expect(ask).not.toHaveBeenCalled()
  expect(archive.status.getSnapshot()).toMatchObject({ persisted: undefined, bytes: 0, full: false, lost: false })
  archive.noteOpened()
  archive.noteOpened()
  await settle()
  expect(ask).toHaveBeenCalledTimes(1)
  expect(archive.status.getSnapshot().persisted).toBe(true)
})

test('[PAGE4] a loss is told from the start, a failure until something is kept again', async () => {
  const archive = createArchiveStorage(Promise.resolve({ ...keepingMemory(), wasLost: true }))
  await settle()
  expect(archive.status.getSnapshot().lost).toBe(true)
  archive.noteFailure(new Error('QuotaExceededError'))
  archive.noteFull()
  expect(archive.status.getSnapshot()).toMatchObject({ failure: 'QuotaExceededError', full: true })
  archive.noteKept()
  expect(archive.status.getSnapshot()).not.toHaveProperty('failure')
})

test('[OUTBOX3] a store that cannot be opened is no unhandled error here', async () => {
  const archive = createArchiveStorage(Promise.reject(new Error('another process has it')))
  await settle()
  expect(archive.status.getSnapshot()).toMatchObject({ bytes: 0 })
})

test('[PAGE4] what was full has room again once a tenth of the budget is free', async () => {
  let bytes = 95
  const storage = keepingMemory()
  const pages = { ...storage.pages, totals: async () => ({ bytes, budgetBytes: 100 }) }
  const archive = createArchiveStorage(Promise.resolve({ ...storage, pages }))
  archive.noteFull()
  await settle()
  expect(archive.status.getSnapshot()).toMatchObject({ full: true, bytes: 95 })
  bytes = 89
  archive.noteKept()
  await settle()
  expect(archive.status.getSnapshot()).toMatchObject({ full: false, bytes: 89 })
})
