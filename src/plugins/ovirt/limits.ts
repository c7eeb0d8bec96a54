/** How long is waited for what, as upstream did it (spec 7.8). Each is for one thing of its kind. */
export const LIMITS = {
  /** Era 0.x. */
  engineServiceMs: 600_000,
  engineApiMs: 180_000,
  oldHostMs: 180_000,
  storageDomainMs: 600_000,
  /** Era 1.x. */
  serviceMs: 180_000,
  hostMs: 300_000,
  domainsActiveMs: 300_000,
  vmsDownMs: 300_000,
} as const
