/** Whether a thread was given up while it was in a call of libvirt: `process.exit` would wait for it (exit-now.ts). */

let isHanging = false

export function markHanging(): void {
  isHanging = true
}

export function hasHangingThread(): boolean {
  return isHanging
}
