export function vms(count: number): string {
  return `${count} VM${count > 1 ? 's' : ''}`
}
