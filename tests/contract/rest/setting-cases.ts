import { expect, test } from 'vitest'
import { z } from 'zod'

import { limits } from '../../../shared/limits.ts'
import { freshId, type People, type Person } from './people.ts'
import type { Answer } from './rest-client.ts'

const described = z.object({
  title: z.string().nullable(),
  settings: z.record(z.string(), z.unknown()),
  last_seq: z.number().nullable(),
})
const problem = z.object({
  code: z.string(),
  fields: z.array(z.object({ path: z.string() })).optional(),
})

const seen = (answer: Answer): z.output<typeof described> => described.parse(answer.body)
const refused = (answer: Answer): readonly unknown[] => {
  const { code, fields = [] } = problem.parse(answer.body)
  return [answer.status, code, ...fields.map(({ path }) => path)]
}

const metadata = { topic: 'tea', shelf: [1, { deep: true }] }

export function settingCases(use: () => People): void {
  const patch = (who: Person, path: string, body: object) => who.call('PATCH', path, { body })

  test('[SETTINGS1] what is set is told to every member by each answer of a conversation, the title apart, and not in the list', async () => {
    const [ann, bob] = [use().person('ann'), use().person('bob')]
    const path = await ann.creates({ [bob.name]: 'reader' })
    expect(seen(await bob.call('GET', path))).toMatchObject({ title: null, settings: {} })
    const body = { title: 'Plans', settings: { history: 'from-join', wipe: true, metadata } }
    const patched = await patch(ann, path, body)
    expect(patched.status).toBe(200)
    expect(seen(patched)).toMatchObject(body)
    for (const who of [ann, bob]) expect(seen(await who.call('GET', path))).toMatchObject(body)
    expect(seen(await bob.call('PUT', path))).toMatchObject(body)
    const { body: list } = await bob.call('GET', '/api/conversations')
    expect(JSON.stringify(list)).not.toContain('"settings"')
  })

  test('[SETTINGS1] what is not named stays, null clears, and what is so already writes nothing', async () => {
    const ann = use().person('ann')
    const path = await ann.creates()
    const { last_seq: last } = seen(await patch(ann, path, { settings: { wipe: true, a: 1, b: { c: 2 } } }))
    const again = seen(await patch(ann, path, { title: null, settings: { b: { c: 2 }, a: 1 } }))
    expect(again).toMatchObject({ settings: { wipe: true, a: 1, b: { c: 2 } }, last_seq: last })
    const cleared = seen(await patch(ann, path, { settings: { a: null, wipe: null, absent: null } }))
    expect(cleared).toMatchObject({ settings: { b: { c: 2 } }, title: null })
    expect(Object.keys(cleared.settings)).toEqual(['b'])
  })

  test('[SETTINGS2] several keys are changed all or none, with one refusal', async () => {
    const [ann, bob] = [use().person('ann'), use().person('bob')]
    const path = await ann.creates({ [bob.name]: 'writer' })
    await patch(ann, path, { settings: { kept: 'as it was' } })
    const before = seen(await ann.call('GET', path))
    const bad: readonly (readonly [object, readonly unknown[]])[] = [
      [{ title: 'Mine', settings: { history: 'since-monday' } }, [422, 'invalid', 'settings.history']],
      [{ title: 'Mine', settings: { wipe: 'yes' } }, [422, 'invalid', 'settings.wipe']],
      [{ settings: { kept: 1, title: 'Mine' } }, [422, 'invalid', 'settings.title']],
      [{ settings: { kept: 1, ['k'.repeat(limits.settingKeyLength + 1)]: 1 } }, [422, 'invalid', expect.any(String)]],
      [{ title: 7, settings: { kept: 1 } }, [422, 'invalid', 'title']],
      [{ settings: [] }, [422, 'invalid', 'settings']],
      [{ settings: {} }, [422, 'invalid', '']],
      [{}, [422, 'invalid', '']],
      [
        { settings: Object.fromEntries(Array.from({ length: limits.settingsPerRequest + 1 }, (_, n) => [`k${n}`, 1])) },
        [422, 'invalid', 'settings'],
      ],
      [{ title: 'Mine', settings: { kept: 1, big: 'x'.repeat(limits.settingsBytes) } }, [413, 'too-large']],
    ]
    for (const [body, refusal] of bad) expect(refused(await patch(ann, path, body))).toEqual(refusal)
    expect(refused(await patch(bob, path, { title: 'Mine', settings: { kept: 1 } }))[0]).toBe(403)
    expect(seen(await ann.call('GET', path))).toEqual(before)
  })

  test('[SETTINGS2] what makes room in a request makes it for the rest of it', async () => {
    const ann = use().person('ann')
    const path = await ann.creates()
    const most = 'x'.repeat(limits.settingsBytes - 100)
    expect((await patch(ann, path, { settings: { a: most } })).status).toBe(200)
    expect(refused(await patch(ann, path, { settings: { b: most } }))).toEqual([413, 'too-large'])
    expect(Object.keys(seen(await patch(ann, path, { settings: { b: most, a: null } })).settings)).toEqual(['b'])
  })

  test('[SETTINGS3] a conversation can begin with settings: whoever is there then gets all of it, whoever joins later does not', async () => {
    const [ann, bob, eve] = [use().person('ann'), use().person('bob'), use().person('eve')]
    const body = {
      title: 'Plans',
      members: [{ user: bob.name, access: 'writer' }],
      settings: { history: 'from-join', metadata, nothing: null },
    }
    const id = freshId()
    const made = await ann.call('PUT', `/api/conversations/${id}`, { body })
    expect(made.status).toBe(201)
    expect(seen(made).settings).toEqual({ history: 'from-join', metadata })
    const path = `/api/conversations/${id}`
    expect((await bob.call('GET', path)).body).toMatchObject({ title: 'Plans', history_from: null })
    await ann.call('PUT', `${path}/members/${eve.name}`, { body: { access: 'reader' } })
    expect((await bob.call('GET', path)).body).toMatchObject({ history_from: null })
    expect((await eve.call('GET', path)).body).toMatchObject({ history_from: expect.any(Number) })
    const posted = await ann.call('POST', '/api/conversations', { body: { settings: { wipe: true } } })
    expect(seen(posted)).toMatchObject({ title: null, settings: { wipe: true } })
  })

  test('[SETTINGS3] one that could not have its settings does not begin', async () => {
    const ann = use().person('ann')
    const path = `/api/conversations/${freshId()}`
    const put = (settings: unknown) => ann.call('PUT', path, { body: { title: 'Tea', settings } })
    expect(refused(await put({ title: 'Tea' }))).toEqual([422, 'invalid', 'settings.title'])
    expect(refused(await put({ history: 7 }))).toEqual([422, 'invalid', 'settings.history'])
    expect(refused(await put({ a: 'x'.repeat(limits.settingsBytes) }))).toEqual([413, 'too-large'])
    expect((await ann.call('GET', path)).status).toBe(404)
    expect((await put({ a: 1 })).status).toBe(201)
  })
}
