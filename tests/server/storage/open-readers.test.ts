// Who is waited for before something is said to be gone: those that are open, and none of those that come after.
import { expect, test } from 'vitest'

import { OpenReaders } from '../../../server/storage/level/open-readers.ts'

test('[ERASE1] readers that are open are waited for, in whatever order they end, and later ones are not', async () => {
  const readers = new OpenReaders()
  await readers.untilEnded()
  const ended: string[] = []
  const first = readers.begin()
  const second = readers.begin()
  const both = readers.untilEnded().then(() => ended.push('both'))
  const third = readers.begin()
  const three = readers.untilEnded().then(() => ended.push('three'))
  second()
  third()
  await new Promise((resolve) => setImmediate(resolve))
  expect(ended).toEqual([])
  const fourth = readers.begin()
  first()
  first()
  await Promise.all([both, three])
  expect(ended).toEqual(['both', 'three'])
  fourth()
  await readers.untilEnded()
})
