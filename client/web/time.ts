/** Times as people read them, in the language of the browser. */

import { useSyncExternalStore } from 'react'

const clockFormat = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' })
const weekdayFormat = new Intl.DateTimeFormat(undefined, { weekday: 'long' })
const dayFormat = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long' })
const dayAndYearFormat = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' })
const shortDateFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'short' })
const wholeFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' })

const minuteMs = 60_000

/** A day before the last time that a Date can hold: whatever clock a message claims, its page must render. */
const lastMs = 8_640_000_000_000_000 - 24 * 60 * minuteMs

function clamp(ms: number): number {
  return Number.isFinite(ms) ? Math.min(ms, lastMs) : 0
}

/** The start of the day in which `ms` lies, on this device's calendar. */
export function dayOf(ms: number): number {
  return new Date(clamp(ms)).setHours(0, 0, 0, 0)
}

export function clockTime(ms: number): string {
  return clockFormat.format(clamp(ms))
}

export function wholeTime(ms: number): string {
  return wholeFormat.format(clamp(ms))
}

/** For `dateTime` attributes. */
export function machineTime(ms: number): string {
  return new Date(clamp(ms)).toISOString()
}

/** A day's name: Today, Yesterday, a weekday within the week, else the date. */
export function dayName(day: number, today: number): string {
  const daysAgo = countDays(day, today)
  if (daysAgo === 0) return 'Today'
  if (daysAgo === 1) return 'Yesterday'
  if (daysAgo > 1 && daysAgo < 7) return weekdayFormat.format(day)
  return new Date(day).getFullYear() === new Date(today).getFullYear()
    ? dayFormat.format(day)
    : dayAndYearFormat.format(day)
}

/** The shortest that tells when: the clock today, then the day, then the date. */
export function shortTime(ms: number, today: number): string {
  const daysAgo = countDays(dayOf(ms), today)
  if (daysAgo === 0) return clockTime(ms)
  return daysAgo > 0 && daysAgo < 7 ? dayName(dayOf(ms), today) : shortDateFormat.format(clamp(ms))
}

/** Today's start; components that read it render again when the day changes. */
export function useToday(): number {
  return useSyncExternalStore(everyMinute, () => dayOf(Date.now()))
}

function everyMinute(listener: () => void): () => void {
  const timer = setInterval(listener, minuteMs)
  return () => clearInterval(timer)
}

/** Days between two starts of days; rounded, for some days have 23 or 25 hours. */
function countDays(day: number, today: number): number {
  return Math.round((today - day) / (24 * 60 * minuteMs))
}
