import { expect, test } from 'vitest'

import { limits } from '../../../shared/limits.ts'
import { freshId, type People, type Person, seenMessage, type SeenMessage, seenProblem as problem } from './people.ts'

/** Edits, redactions, reactions and pins. */
export function touchCases(use: () => People): void {
  interface Room {
    readonly ann: Person
    readonly bob: Person
    readonly path: string
    readonly message: SeenMessage
    /** Of the message. */
    readonly where: string
  }

  /** Ann's, with a message of hers; Bob has this access. */
  const start = async (access = 'writer', more: object = {}): Promise<Room> => {
    const [ann, bob] = [use().person('ann'), use().person('bob')]
    const path = await ann.creates({ [bob.name]: access })
    const message = seenMessage(await ann.post(path, 'hello', more))
    return { ann, bob, path, message, where: `${path}/messages/${message.id}` }
  }
  const lastSeq = async (who: Person, path: string): Promise<unknown> => {
    const { body } = await who.call('GET', path)
    return typeof body === 'object' && body !== null && 'last_seq' in body ? body.last_seq : undefined
  }

  test('[TOUCH1] an edit answers with the message as it is now, which history shows too', async () => {
    const { ann, path, message, where } = await start()
    const edited = await ann.call('PATCH', where, { body: { content: 'hi' } })
    expect(edited.status).toBe(200)
    expect(edited.body).toMatchObject({ ...message, content: 'hi', revision: message.seq + 1 })
    expect(edited.body).toHaveProperty('edited_at')
    expect(await ann.reads(path)).toMatchObject([{ content: 'hi' }])
    const again = await ann.call('PATCH', where, { body: { content: 'hi' } })
    expect([again.status, again.body]).toEqual([200, edited.body])
    expect(await lastSeq(ann, path)).toBe(message.seq + 1)
  })

  test('[TOUCH2][REST2] who may not edit, what is not there, and what is no content', async () => {
    const { ann, bob, path, where } = await start()
    const body = { content: 'mine' }
    expect(problem(await bob.call('PATCH', where, { body }))).toEqual([403, 'not-author'])
    expect((await ann.call('PATCH', `${path}/messages/${freshId()}`, { body })).status).toBe(404)
    expect((await ann.call('PATCH', `${path}/messages/nothing`, { body: {} })).status).toBe(404)
    expect((await use().person('eve').call('PATCH', where, { body })).status).toBe(403)
    for (const wrong of [{}, { content: '' }, { content: ' \n' }, { content: 7 }, 'text', null]) {
      expect((await ann.call('PATCH', where, { body: wrong })).status).toBe(422)
    }
    expect((await ann.call('PATCH', where, { body: { content: 'x'.repeat(limits.entryBytes) } })).status).toBe(413)
    expect(await ann.reads(path)).toMatchObject([{ content: 'hello' }])
  })

  test('[TOUCH2][REST2] a reader changes nothing, whatever else is wrong', async () => {
    const { bob, path, where } = await start('reader')
    const wrong = [
      await bob.call('PATCH', where, { body: {} }),
      await bob.call('PATCH', where, { body: { content: 'x' } }),
      await bob.call('DELETE', where),
      await bob.call('PUT', `${where}/reactions/${'x'.repeat(33)}`),
      await bob.call('PUT', `${where}/reactions/x`),
      await bob.call('PUT', `${where}/pin`),
    ]
    expect(wrong.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403, 403])
    expect((await bob.call('PATCH', `${path}/messages/${freshId()}`, { body: {} })).status).toBe(404)
  })

  test('[TOUCH1] a redacted message keeps its place and nothing that was said, and that is so for ever', async () => {
    const { ann, bob, path, message, where } = await start('writer', { parts: [{ a: 1 }], mentions: [] })
    await ann.call('PATCH', where, { body: { content: 'edited' } })
    expect(problem(await bob.call('DELETE', where))).toEqual([403, 'not-author'])
    const gone = await ann.call('DELETE', where)
    expect([gone.status, gone.body]).toEqual([204, undefined])
    const after = await bob.call('GET', where)
    expect(after.body).toMatchObject({ id: message.id, seq: message.seq, content: '', redacted_by: ann.name })
    for (const name of ['parts', 'mentions', 'edited_at']) expect(after.body).not.toHaveProperty(name)
    const seq = await lastSeq(ann, path)
    expect((await ann.call('DELETE', where)).status).toBe(204)
    expect(await lastSeq(ann, path)).toBe(seq)
    expect(problem(await ann.call('PATCH', where, { body: { content: 'back' } }))).toEqual([410, 'redacted'])
    expect((await ann.call('GET', where)).body).toEqual(after.body)
  })

  test('[TOUCH1] an owner redacts anybody’s message', async () => {
    const { ann, bob, path } = await start()
    const { id } = seenMessage(await bob.post(path, 'rude'))
    expect((await ann.call('DELETE', `${path}/messages/${id}`)).status).toBe(204)
    expect((await ann.call('DELETE', `${path}/messages/${freshId()}`)).status).toBe(404)
    expect((await bob.call('GET', `${path}/messages/${id}`)).body).toMatchObject({ redacted_by: ann.name })
  })

  test('[TOUCH1] reactions are one for each user and emoji, in order, and can be taken back', async () => {
    const { ann, bob, path, message, where } = await start()
    const thumb = `${where}/reactions/${encodeURIComponent('👍🏽')}`
    for (const who of [bob, ann, bob]) expect((await who.call('PUT', thumb)).status).toBe(204)
    expect((await ann.call('PUT', `${where}/reactions/a%2Fb`)).status).toBe(204)
    expect((await ann.call('GET', where)).body).toMatchObject({
      reactions: [
        { emoji: '👍🏽', users: [bob.name, ann.name] },
        { emoji: 'a/b', users: [ann.name] },
      ],
    })
    for (let time = 0; time < 2; time++) expect((await bob.call('DELETE', thumb)).status).toBe(204)
    expect((await ann.call('DELETE', thumb)).status).toBe(204)
    expect((await ann.call('DELETE', `${where}/reactions/a%2Fb`)).status).toBe(204)
    expect((await ann.call('GET', where)).body).not.toHaveProperty('reactions')
    expect(await lastSeq(ann, path)).toBe(message.seq + 6)
  })

  test('[TOUCH2] a reaction to nothing is 404, one that is too long 422, one too many 409', async () => {
    const { ann, path, where } = await start()
    expect((await ann.call('PUT', `${path}/messages/${freshId()}/reactions/x`)).status).toBe(404)
    expect(problem(await ann.call('PUT', `${where}/reactions/%20`))).toEqual([422, 'bad-schema'])
    const tooLong = encodeURIComponent('é'.repeat(limits.emojiBytes / 2) + 'x')
    for (const method of ['PUT', 'DELETE']) {
      expect((await ann.call(method, `${where}/reactions/${tooLong}`)).status).toBe(422)
    }
    for (let n = 0; n < limits.emojiPerMessage; n++) {
      expect((await ann.call('PUT', `${where}/reactions/${n}`)).status).toBe(204)
    }
    expect(problem(await ann.call('PUT', `${where}/reactions/more`))).toEqual([409, 'too-many'])
  })

  test('[TOUCH1] pins are listed in the order of pinning, and told of each message', async () => {
    const { ann, bob, path, where } = await start()
    const second = seenMessage(await bob.post(path, 'second'))
    const pins = async (): Promise<unknown> => (await bob.call('GET', `${path}/pins`)).body
    expect(await pins()).toEqual({ items: [] })
    expect((await bob.call('PUT', `${where}/pin`)).status).toBe(403)
    expect((await ann.call('PUT', `${path}/messages/${freshId()}/pin`)).status).toBe(404)
    for (const pinned of [`${path}/messages/${second.id}`, where, where]) {
      expect((await ann.call('PUT', `${pinned}/pin`)).status).toBe(204)
    }
    expect(await pins()).toMatchObject({
      items: [
        { content: 'second', pinned: true },
        { content: 'hello', pinned: true },
      ],
    })
    for (let time = 0; time < 2; time++) {
      expect((await ann.call('DELETE', `${path}/messages/${second.id}/pin`)).status).toBe(204)
    }
    expect(await pins()).toMatchObject({ items: [{ content: 'hello' }] })
    expect((await ann.call('GET', `${path}/messages/${second.id}`)).body).not.toHaveProperty('pinned')
  })

  test('[TOUCH1][REST5] a retry is answered with the message as it is now, edited or redacted', async () => {
    const [ann, key] = [use().person('ann'), { 'idempotency-key': 'a-key' }]
    const path = await ann.creates()
    const id = freshId()
    const post = () => ann.post(path, 'hello', { id }, key)
    const where = `${path}/messages/${seenMessage(await post()).id}`
    await ann.call('PATCH', where, { body: { content: 'edited' } })
    const edited = await post()
    expect([edited.status, edited.body]).toEqual([200, (await ann.call('GET', where)).body])
    expect(edited.body).toMatchObject({ content: 'edited' })
    expect((await ann.post(path, 'edited', { id })).status).toBe(409)
    await ann.call('DELETE', where)
    const redacted = await post()
    expect([redacted.status, redacted.body]).toEqual([200, (await ann.call('GET', where)).body])
    expect((await ann.post(path, 'hello', {}, key)).body).toMatchObject({ id, content: '', redacted_by: ann.name })
  })
}
