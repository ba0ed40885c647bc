/** Whether a keyboard is at hand: on phones one comes onto the screen, over half of what is there. */

export function hasKeyboard(): boolean {
  return window.matchMedia('(hover: hover) and (pointer: fine)').matches
}
