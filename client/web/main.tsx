/** Puts the page together: the account, the address and the view of both. */

import './style.css'

import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'

import { createChatClient } from '../index.ts'
import { createAccount } from './account.ts'
import { App } from './app.tsx'
import { ErrorBoundary } from './error-boundary.tsx'
import { createKeep } from './keep.ts'
import { hashStore } from './route.ts'
import { requestDemoToken } from './session.ts'

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no element with the id root')

const account = createAccount({
  keep: createKeep(() => window.localStorage),
  page: window,
  request: requestDemoToken,
  now: Date.now,
  createClient: (user, token, receipts) => createChatClient({ url: window.location.origin, user, token, receipts }),
})

createRoot(root).render(
  <StrictMode>
    <ErrorBoundary>
      <App account={account} hash={hashStore(window)} />
    </ErrorBoundary>
  </StrictMode>,
)
