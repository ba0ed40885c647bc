// Runs once before all tests.
import { ensureChromium } from './chromium.ts'

export default function setup(): void {
  try {
    ensureChromium()
  } catch (error) {
    // Thrown, it would drown in a stack trace; the one who reads it has a package to install, not a bug to find.
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  }
}
