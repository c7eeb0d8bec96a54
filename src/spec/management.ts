/** Which nets are management nets: the ones that ssh and DNS use (spec 3.9). */

/** The names marked `management`; when none is, the first in sorted order. Empty only without nets. */
export function managementNets(nets: ReadonlyMap<string, { readonly management: boolean }>): ReadonlySet<string> {
  const marked = [...nets].filter(([, net]) => net.management).map(([name]) => name)
  return new Set(marked.length > 0 ? marked : [...nets.keys()].sort().slice(0, 1))
}
