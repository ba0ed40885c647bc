/** Where one answers in a thread. */

import type { Thread } from '../api.ts'
import { Composer, type ComposerPlace } from './composer.tsx'

const testIds = { box: 'thread-composer', send: 'thread-send' }

export function ThreadComposer({ thread, ...place }: ComposerPlace & { readonly thread: Thread }) {
  return (
    <Composer
      {...place}
      label="Answer in this thread"
      placeholder="Answer in this thread"
      sendLabel="Send the answer"
      testIds={testIds}
      send={(written) => thread.send(written)}
    />
  )
}
