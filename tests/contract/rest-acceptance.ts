/** What every server behind the REST API has to do; run by a fake service, and by the real one on its stores. */

import { afterAll, beforeAll, describe } from 'vitest'

import { accessCases } from './rest/access-cases.ts'
import { authCases } from './rest/auth-cases.ts'
import { conversationCases } from './rest/conversation-cases.ts'
import { eventCases } from './rest/event-cases.ts'
import { idempotencyCases } from './rest/idempotency-cases.ts'
import { invitationCases } from './rest/invitation-cases.ts'
import { messageCases } from './rest/message-cases.ts'
import { People } from './rest/people.ts'
import { profileCases } from './rest/profile-cases.ts'
import { readingCases } from './rest/reading-cases.ts'
import type { RestServer } from './rest/rest-client.ts'
import { settingCases } from './rest/setting-cases.ts'
import { shapeCases } from './rest/shape-cases.ts'
import { threadCases } from './rest/thread-cases.ts'
import { touchCases } from './rest/touch-cases.ts'
import { versionCases } from './rest/version-cases.ts'

export type { RestServer } from './rest/rest-client.ts'

/** `start` makes one server for the whole suite; `restart()` keeps what it stored. */
export function restAcceptance(name: string, start: () => Promise<RestServer>): void {
  describe(`REST: ${name}`, () => {
    let people: People | undefined

    beforeAll(async () => {
      people = new People(await start())
    })
    afterAll(async () => {
      await people?.server.close()
    })
    const use = (): People => {
      if (people === undefined) throw new Error('the server did not start')
      return people
    }

    authCases(use)
    shapeCases(use)
    conversationCases(use)
    messageCases(use)
    idempotencyCases(use)
    accessCases(use)
    touchCases(use)
    readingCases(use)
    threadCases(use)
    invitationCases(use)
    profileCases(use)
    versionCases(use)
    eventCases(use)
    settingCases(use)
  })
}
