/** Names the page in the browser's tabs and history. */

import { useEffect } from 'react'

export function useDocumentTitle(name: string | undefined): void {
  useEffect(() => {
    document.title = name === undefined ? 'Parley' : `${name} – Parley`
  }, [name])
}
