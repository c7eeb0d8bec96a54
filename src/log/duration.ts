/** `H:MM:SS`, cut to whole seconds, hours unlimited. */
export function formatDuration(durationMs: number): string {
  const seconds = Math.floor(durationMs / 1000)
  const pad = (value: number): string => String(value).padStart(2, '0')
  return `${Math.floor(seconds / 3600)}:${pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}`
}
