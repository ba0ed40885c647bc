/** The page's pictures, drawn in the colour of the text around them. Decoration only: the words stand beside them. */

import type { ReactNode } from 'react'

function Icon({ children }: { readonly children: ReactNode }) {
  return (
    <svg
      className="icon"
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.75"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {children}
    </svg>
  )
}

export function BackIcon() {
  return (
    <Icon>
      <path d="M12 4.5 6.5 10l5.5 5.5" />
    </Icon>
  )
}

export function PlusIcon() {
  return (
    <Icon>
      <path d="M10 4.5v11M4.5 10h11" />
    </Icon>
  )
}

export function ThreadIcon() {
  return (
    <Icon>
      <path d="M4 5.5h12v7H9.5L6 15.5v-3H4z" />
    </Icon>
  )
}

export function CloseIcon() {
  return (
    <Icon>
      <path d="m5.5 5.5 9 9m0-9-9 9" />
    </Icon>
  )
}

export function SearchIcon() {
  return (
    <Icon>
      <circle cx="9" cy="9" r="5" />
      <path d="m12.8 12.8 3.7 3.7" />
    </Icon>
  )
}

export function SendIcon() {
  return (
    <Icon>
      <path d="M10 15.5v-11M5.5 9 10 4.5 14.5 9" />
    </Icon>
  )
}

export function DownIcon() {
  return (
    <Icon>
      <path d="M10 4.5v11m4.5-4.5L10 15.5 5.5 11" />
    </Icon>
  )
}

export function PeopleIcon() {
  return (
    <Icon>
      <circle cx="7.5" cy="7" r="2.75" />
      <path d="M2.5 16c0-2.8 2.2-4.5 5-4.5s5 1.7 5 4.5M13 4.5a2.6 2.6 0 0 1 0 5M14.5 11.9c1.9.5 3 2 3 4.1" />
    </Icon>
  )
}

export function ClockIcon() {
  return (
    <Icon>
      <circle cx="10" cy="10" r="6.5" />
      <path d="M10 6.5V10l2.3 1.5" />
    </Icon>
  )
}

export function TickIcon() {
  return (
    <Icon>
      <path d="m4.5 10.5 3.7 3.7 7.3-8" />
    </Icon>
  )
}

export function TwoTicksIcon() {
  return (
    <Icon>
      <path d="m1.5 10.5 3.7 3.7 7.3-8M9.3 12.9l1.3 1.3 7.3-8" />
    </Icon>
  )
}

export function WarningIcon() {
  return (
    <Icon>
      <path d="M10 3.2 17.5 16.3h-15ZM10 8.3v3.5M10 14v.1" />
    </Icon>
  )
}

export function OfflineIcon() {
  return (
    <Icon>
      <path d="M3 3l14 14M6.7 6.9A4.5 4.5 0 0 0 5.5 15.5H14M9 5.2a4.6 4.6 0 0 1 5.3 3.9 3.4 3.4 0 0 1 2.3 5" />
    </Icon>
  )
}

export function MoreIcon() {
  return (
    <Icon>
      <path d="M4.5 10h.01M10 10h.01M15.5 10h.01" strokeWidth="2.75" />
    </Icon>
  )
}

export function PinIcon() {
  return (
    <Icon>
      <path d="M7 3.5h6M8 3.5v5l-2.5 3h9l-2.5-3v-5M10 11.5V17" />
    </Icon>
  )
}

export function Logo() {
  return (
    <svg className="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect className="logo-ground" width="32" height="32" rx="8" />
      <path
        className="logo-front"
        d="M8.5 8h11A3.5 3.5 0 0 1 23 11.5v4a3.5 3.5 0 0 1-3.5 3.5H13l-4 3.5V19h-.5A3.5 3.5 0 0 1 5 15.5v-4A3.5 3.5 0 0 1 8.5 8Z"
      />
      <path
        className="logo-back"
        d="M25 13v5.5a3.5 3.5 0 0 1-3.5 3.5H16a3 3 0 0 0 2.8 2H23l3.5 3v-3.2A3 3 0 0 0 28 21v-5a3 3 0 0 0-3-3Z"
      />
    </svg>
  )
}

interface LabelledProps {
  /** What it says, for those who do not see it. */
  readonly label: string
}

export function StarIcon({ label }: LabelledProps) {
  return (
    <>
      <Icon>
        <path d="m10 3.5 2 4.2 4.6.6-3.4 3.2.9 4.6-4.1-2.3-4.1 2.3.9-4.6-3.4-3.2 4.6-.6z" fill="currentColor" />
      </Icon>
      <span className="hidden">{label}</span>
    </>
  )
}

export function MutedIcon({ label }: LabelledProps) {
  return (
    <>
      <Icon>
        <path d="M4.5 14h11c-1.2-1.2-1.5-2.6-1.5-5a4 4 0 0 0-8 0c0 2.4-.3 3.8-1.5 5zM8.6 16.5h2.8M3.5 3.5l13 13" />
      </Icon>
      <span className="hidden">{label}</span>
    </>
  )
}
