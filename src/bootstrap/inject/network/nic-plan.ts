/** One nic, for the files of any network stack. */
export interface NicPlan {
  /** The 0 of `eth0`. */
  readonly index: number
  /** In lower case. */
  readonly mac: string
  /** Undefined: 1500. */
  readonly mtu: number | undefined
  /** Of the routes that come by this nic; lower ones win. */
  readonly metric: number
  readonly isManagement: boolean
}
