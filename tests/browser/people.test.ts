// People in the web chat: a profile, a link that somebody joins by after signing in, and names where ids were.
import { expect, onTestFinished, test } from 'vitest'

import { startServerProcess } from '../helpers/server-process.ts'
import { WebDevice } from './web-user.ts'

/** A browser takes seconds to start, and a machine with two cores runs other tests meanwhile. */
const testMs = 120_000

test(
  '[INVITE1][PROFILE1][USERS1] a link is made and joined by, and people see what others call themselves',
  { timeout: testMs },
  async () => {
    const server = await startServerProcess()
    onTestFinished(() => server.dispose())
    const id = await server.createConversation('ann', 'bob')
    const [device, other] = [await WebDevice.start(), await WebDevice.start()]
    onTestFinished(async () => void (await Promise.all([device.dispose(), other.dispose()])))
    const ann = await device.open(`${server.url}/#/c/${id}`)
    await ann.startCoverage()
    await ann.signIn('ann')
    await ann.connection('live')

    await ann.at('profile-open').press('Enter')
    await ann.at('profile-name').fill('Ann Müller')
    await ann.at('profile-color').fill('#ffd000')
    await ann.picture('12-profile')
    await ann.at('profile-name').press('Enter')
    await ann.at('profile').waitFor({ state: 'detached' })
    expect(await ann.focused()).toBe('profile-open')
    expect(await ann.at('user').innerText()).toBe('Ann Müller')
    await ann.send('Welcome')

    await ann.at('members-toggle').click()
    await ann.at('invite-create').click()
    const url = await ann.at('invite-url').inputValue()
    expect(url).toMatch(/#\/join\/[\w-]+$/)
    await ann.at('invitation').waitFor()
    await ann.picture('13-members')

    const cleo = await other.open(url)
    await cleo.startCoverage()
    await cleo.page.getByText('You were invited to a conversation.').waitFor()
    await cleo.signIn('cleo')
    await cleo.shows(['sent Welcome'])
    const author = cleo.message('Welcome').locator('.author .person')
    await author.getByText('Ann Müller').waitFor()
    expect(await author.getAttribute('title')).toBe('ann')
    expect(cleo.page.url()).toContain(`#/c/${id}`)
    await cleo.picture('14-joined')
    await ann.at('event').getByText('cleo joined with a link from Ann Müller').waitFor()
    await cleo.at('event').getByText('cleo joined with a link from Ann Müller').waitFor()

    const members = ann.at('member')
    await members.and(ann.page.locator('[data-user="cleo"]')).waitFor()
    // It was for one person: nothing is left of it.
    const late = await other.open(url)
    await late.shows(['sent Welcome'])
    await ann.at('invitation').waitFor({ state: 'detached' })
    await cleo.at('members-toggle').click()
    expect(await cleo.at('invite').count()).toBe(0)

    await ann.page.goto(`${server.url}/#/join/nonsense`)
    await ann.at('join-problem').waitFor()
    const another = await server.createConversation('ann')
    await ann.page.goto(`${server.url}/#/c/${another}`)
    await ann.connection('live')
    await ann.at('members-toggle').click()
    await ann.at('member-user').fill('cle')
    await ann.at('member-found').locator('option[value="cleo"]').waitFor({ state: 'attached' })
    await Promise.all([ann.stopCoverage(), cleo.stopCoverage()])
  },
)
