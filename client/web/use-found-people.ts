/** People whose id or name contains what is being typed, for completing it. */

import { useEffect, useState } from 'react'

import type { Profile } from '../api.ts'
import { useProfiles } from './use-names.ts'

/** As many as a list under a field shows. */
const atOnce = 8
/** Faster typists need no list before they stop. */
const pauseMs = 150

/** None while nothing is typed; what was found last until there is something else. */
export function useFoundPeople(text: string): readonly Profile[] {
  const profiles = useProfiles()
  const [found, setFound] = useState<readonly Profile[]>([])
  const wanted = text.trim()
  useEffect(() => {
    let isOver = false
    const search = async (): Promise<void> => {
      // Completion is a convenience: a name can be typed without it.
      const people = wanted === '' ? [] : await profiles.search(wanted, atOnce).catch(() => [])
      if (!isOver) setFound(people)
    }
    const timer = setTimeout(() => void search(), pauseMs)
    return () => {
      isOver = true
      clearTimeout(timer)
    }
  }, [profiles, wanted])
  return found
}
