import { expect, test } from 'vitest'

import { freshId, type People, type Person, seenMessage } from './people.ts'

export function idempotencyCases(use: () => People): void {
  const keyed = (who: Person, path: string, key: string, content: string, more: object = {}) =>
    who.post(path, content, more, { 'idempotency-key': key })

  test('[REST5] the same id again is 200 with the same message, also after a restart', async () => {
    const ann = use().person('ann')
    const path = await ann.creates()
    const id = freshId()
    const first = await ann.post(path, 'hello', { id })
    expect(first.status).toBe(201)
    expect(seenMessage(first).id).toBe(id)
    const again = await ann.post(path, 'hello', { id, status: 'other' })
    expect([again.status, again.body]).toEqual([200, first.body])
    await use().restart()
    const later = await ann.post(path, 'hello', { id })
    expect([later.status, later.body]).toEqual([200, first.body])
    expect(await ann.reads(path)).toHaveLength(1)
  })

  test('[REST5] the same Idempotency-Key again is 200 with the same message, also after a restart', async () => {
    const ann = use().person('ann')
    const path = await ann.creates()
    const first = await keyed(ann, path, 'key-1', 'hello')
    expect(first.status).toBe(201)
    const again = await keyed(ann, path, 'key-1', 'hello')
    expect([again.status, again.body]).toEqual([200, first.body])
    await use().restart()
    const later = await keyed(ann, path, 'key-1', 'hello')
    expect([later.status, later.body]).toEqual([200, first.body])
    expect((await keyed(ann, path, 'key-2', 'hello')).status).toBe(201)
    expect(await ann.reads(path)).toHaveLength(2)
  })

  test('[REST5] other role or content under the same id or key is 409', async () => {
    const ann = use().person('ann')
    const path = await ann.creates()
    const id = freshId()
    expect((await ann.post(path, 'hello', { id })).status).toBe(201)
    expect((await keyed(ann, path, 'key', 'hello')).status).toBe(201)
    for (const answer of [
      await ann.post(path, 'other', { id }),
      await ann.post(path, 'hello', { id, role: 'assistant' }),
      await keyed(ann, path, 'key', 'other'),
      await keyed(ann, path, 'key', 'hello', { role: 'assistant' }),
    ]) {
      expect(answer.status).toBe(409)
      expect(answer.body).toMatchObject({ code: 'other-content' })
    }
    expect(await ann.reads(path)).toHaveLength(2)
  })

  test("[REST5] another user's id is 409, another user's key is one's own", async () => {
    const [ann, bob] = [use().person('ann'), use().person('bob')]
    const path = await ann.creates({ [bob.name]: 'writer' })
    const id = freshId()
    expect((await ann.post(path, 'hello', { id })).status).toBe(201)
    const taken = await bob.post(path, 'hello', { id })
    expect(taken.status).toBe(409)
    expect(taken.body).toMatchObject({ code: 'id-taken' })
    expect((await keyed(ann, path, 'key', 'hello')).status).toBe(201)
    expect((await keyed(bob, path, 'key', 'hello')).status).toBe(201)
    expect(await ann.reads(path)).toHaveLength(3)
  })

  test('[REST5] the same id or key in another conversation is another message', async () => {
    const ann = use().person('ann')
    const [one, two] = [await ann.creates(), await ann.creates()]
    const id = freshId()
    for (const path of [one, two]) {
      expect((await ann.post(path, 'hello', { id })).status).toBe(201)
      expect((await keyed(ann, path, 'key', 'again')).status).toBe(201)
      expect(await ann.reads(path)).toHaveLength(2)
    }
  })

  test('[REST5] with both, both hold', async () => {
    const ann = use().person('ann')
    const path = await ann.creates()
    const id = freshId()
    const first = await keyed(ann, path, 'key', 'hello', { id })
    expect(first.status).toBe(201)
    for (const again of [
      await keyed(ann, path, 'key', 'hello', { id }),
      await keyed(ann, path, 'key', 'hello'),
      await ann.post(path, 'hello', { id }),
    ]) {
      expect([again.status, again.body]).toEqual([200, first.body])
    }
    expect(await ann.reads(path)).toHaveLength(1)
  })

  test('[REST5] the same at the same time makes one message', async () => {
    const ann = use().person('ann')
    const path = await ann.creates()
    const id = freshId()
    for (const send of [() => ann.post(path, 'by id', { id }), () => keyed(ann, path, 'key', 'by key')]) {
      const answers = await Promise.all(Array.from({ length: 20 }, send))
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(19)
      expect(new Set(answers.map((answer) => seenMessage(answer).seq)).size).toBe(1)
    }
    expect((await ann.reads(path)).map(({ content }) => content)).toEqual(['by id', 'by key'])
  })

  test('[REST5] a key is 1 to 255 visible ASCII characters, else 422', async () => {
    const ann = use().person('ann')
    const path = await ann.creates()
    for (const key of ['', 'a b', 'kéy', 'x'.repeat(256)])
      expect((await keyed(ann, path, key, 'hello')).status).toBe(422)
    expect(await ann.reads(path)).toEqual([])
    expect((await keyed(ann, path, '~'.repeat(255), 'hello')).status).toBe(201)
  })
}
