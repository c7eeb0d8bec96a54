/** Everything that can be wrong with an init file before anything is touched: all of it, not the first. */
import { checkDisks, checkImageNames } from './check-disks.js'
import { checkDomain, checkDuplicateIps, checkRoom, draftDomain, type DomainDraft } from './check-domains.js'
import { checkNets, draftNets } from './check-nets.js'
import { isMapping, mappingOf, warningAt, type Finding } from './findings.js'
import { mergePrototypes } from './prototypes.js'
import { checkStructure } from './structure.js'

export interface Checked {
  /** With prototypes filled in; to be converted only when no finding is an error. */
  readonly domains: readonly DomainDraft[]
  readonly findings: readonly Finding[]
}

/** `root`: the file's top-level mapping as plain data. */
export function checkInitFile(root: unknown): Checked {
  const { domains, nets, prototypes } = mappingOf(root)
  const merged = Object.entries(mappingOf(domains)).flatMap(([name, own]) =>
    isMapping(own) ? [mergePrototypes(name, own, mappingOf(prototypes))] : [],
  )
  const drafts = merged.map(({ domain }) => draftDomain(domain))
  const netDrafts = draftNets(mappingOf(nets))
  const findings = [
    ...checkStructure(root),
    ...merged.flatMap(({ findings }) => findings),
    ...(nets === undefined || isMapping(nets) ? checkNets(netDrafts) : []),
    ...drafts.flatMap((draft) => checkDomain(draft, netDrafts)),
    ...drafts.flatMap(({ disks }) => checkDisks(disks)),
    ...checkDuplicateIps(drafts, netDrafts),
    ...checkRoom(drafts, netDrafts),
    ...checkImageNames(drafts),
    ...(isMapping(domains) && Object.keys(domains).length === 0
      ? [warningAt(['domains'], 'there are no VMs in this file')]
      : []),
  ]
  return { domains: drafts, findings: distinct(findings) }
}

/** What is wrong in a prototype is found once for every VM that is based on it. */
function distinct(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((finding) => [JSON.stringify(finding), finding])).values()]
}
