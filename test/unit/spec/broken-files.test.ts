import { expect, test } from '@jest/globals'
import { LagoError } from '../../../src/base/errors.js'
import { parseInitFile } from '../../../src/spec/load.js'
import type { SpecIssue } from '../../../src/spec/types.js'

/** What is wrong: `line:column path`, and words that the message has. */
type Expected = readonly [place: string, words: string]

const table: readonly (readonly [title: string, text: string, ...expected: Expected[]])[] = [
  // the file as a whole
  ['nothing at all', '', ['0:0 ', 'the file is empty']],
  ['comments only', '# later\n', ['0:0 ', 'the file is empty']],
  ['a list', '- a\n', ['0:0 ', 'not a mapping']],
  ['a text', 'hello', ['0:0 ', 'not a mapping']],
  ['JSON that is no mapping', '[1]', ['0:0 ', 'not a mapping']],
  ['two documents', 'a: 1\n---\nb: 2\n', ['0:0 ', 'several YAML documents']],
  ['a bracket left open', 'domains: {a: 1\nnets: {}', ['2:1 ', 'neither JSON nor YAML']],
  ['a tab as indentation', 'domains:\n\tvm0: {}\n', ['2:1 ', 'a tab cannot indent']],
  ['a placeholder left in', 'domains: @SUITE@\n', ['1:10 ', 'fill in the template first']],
  ['JSON with a comma too few', '{"domains": {}\n "nets": {}}', ['2:2 ', 'neither JSON nor YAML']],
  ['a key twice', 'domains:\n  a: {}\n  a: {}\n', ['3:3 ', 'the key "a" is given twice']],
  ['a key twice in JSON', '{"nets": {"b": {},\n "b": {}}}', ['2:3 ', 'the key "b" is given twice']],
  ['an object of a language', 'domains: !!python/object:os.system {}\n', ['1:10 ', 'tag']],
  ['an anchor that contains itself', 'domains: &x {a: *x}\nnets: {}\n', ['1:17 domains.a.a', 'contains itself']],
  ['aliases that grow without end', bomb(), ['1:1 ', 'more than 200000 values']],
  [
    'a dangerous key',
    'domains: {}\nnets:\n  lago: {}\n  __proto__: {a: 1}\n',
    ['1:1 domains', 'no VMs'],
    ['4:3 nets.__proto__', 'not allowed'],
  ],
  [
    'top-level keys misspelt',
    'domain: {}\nnet: {}\n',
    ['1:1 domains', 'is missing'],
    ['1:1 domain', 'did you mean domains'],
    ['1:1 nets', 'No networks configured'],
    ['2:1 net', 'did you mean nets'],
  ],
  ['no nets', 'domains: {}\nnets: {}\n', ['1:1 domains', 'no VMs'], ['2:1 nets', 'No networks configured']],
  ['domains as a list', 'domains: [a]\nnets: {lago: {}}\n', ['1:10 domains', 'a list is not a mapping of VMs']],
  [
    'nets as a text',
    'domains: {}\nnets: lago\n',
    ['1:1 domains', 'no VMs'],
    ['2:7 nets', '"lago" is not a mapping of nets'],
  ],
  ['a VM without anything', 'domains:\n  vm0:\nnets: {lago: {}}\n', ['2:3 domains.vm0', 'is empty']],
  // VMs
  [
    'a key of a VM misspelt',
    vm('memroy: 1', 'memory: 0'),
    ['4:5 domains.vm0.memroy', 'did you mean memory'],
    ['5:13 domains.vm0.memory', '0 is not a whole number'],
  ],
  ['a memory in words', vm('memory: lots'), ['4:13 domains.vm0.memory', '"lots" is not a whole number of MiB']],
  ['a fraction of a CPU', vm('vcpu: 1.5'), ['4:11 domains.vm0.vcpu', '1.5 is not a whole number']],
  ['an accelerator misspelt', vm('accel: kmv'), ['4:12 domains.vm0.accel', 'did you mean kvm']],
  [
    'a boolean in doubt',
    vm('bootstrap: maybe'),
    ['4:16 domains.vm0.bootstrap', '"maybe" is not true, false, or one of auto, cloud-init'],
  ],
  [
    'both CPU keys',
    vm('cpu_model: Haswell', 'cpu_custom: {}'),
    ['5:5 domains.vm0.cpu_custom', 'Defining both cpu_model and cpu_custom is not supported'],
  ],
  [
    'artifacts as a text',
    vm('artifacts: /var/log'),
    ['4:16 domains.vm0.artifacts', '"/var/log" is not a list of paths'],
  ],
  [
    'a script that is no text',
    vm('metadata: {deploy-scripts: [7]}'),
    ['4:33 domains.vm0.metadata.deploy-scripts[0]', '7 is not a text'],
  ],
  [
    'a password that is none, which is not repeated',
    vm('root-password: "s3cret\\n"'),
    ['4:20 domains.vm0.root-password', 'the value is not'],
  ],
  ['an ssh user like an option', vm('ssh-user: -oProxyCommand=x'), ['4:15 domains.vm0.ssh-user', 'is not a user name']],
  [
    'an unknown prototype',
    vm('based-on: bse') + 'prototypes: {base: {}}\n',
    ['4:15 domains.vm0.based-on', 'prototypes: base did you mean base'],
  ],
  [
    'prototypes in a circle',
    vm('based-on: a') + 'prototypes:\n  a: {based-on: b}\n  b: {based-on: a}\n',
    ['8:17 prototypes.b.based-on', 'a -> b -> a'],
  ],
  [
    'a wrong key in a prototype',
    vm('based-on: a') + 'prototypes:\n  a: {vcpu: none}\n',
    ['7:13 prototypes.a.vcpu', '"none" is not a whole number'],
  ],
  [
    'a VM of type ova without its archive',
    vm('type: ova'),
    ['2:3 domains.vm0.url', 'is missing; expected the URL of the archive'],
  ],
  [
    'a name with a slash',
    'domains:\n  ../vm0: {nics: [{net: lago}]}\nnets: {lago: {}}\n',
    ['2:3 domains["../vm0"]', 'cannot be a name'],
  ],
  [
    'a name of two dots',
    'domains:\n  "..": {nics: [{net: lago}]}\nnets: {lago: {}}\n',
    ['2:3 domains[".."]', 'cannot be a name'],
  ],
  [
    'an empty name',
    'domains:\n  "": {nics: [{net: lago}]}\nnets: {lago: {}}\n',
    ['2:3 domains[""]', 'cannot be a name'],
  ],
  // nics
  [
    'an unknown net',
    vm('x: 1').replace('lago}', 'lagoo}'),
    ['3:18 domains.vm0.nics[0].net', 'nets: lago did you mean lago'],
    ['4:5 domains.vm0.x', 'not a key of a VM'],
  ],
  ['a nic without a net', nics('- {ip: 192.168.200.5}'), ['4:7 domains.vm0.nics[0].net', 'is missing']],
  [
    'an address that is none',
    nics('- {net: lago, ip: 192.168.200.256}'),
    ['4:23 domains.vm0.nics[0].ip', 'is not an IPv4 address'],
  ],
  [
    'the address of the gateway',
    nics('- {net: lago, ip: 0.0.0.1}'),
    ['4:23 domains.vm0.nics[0].ip', 'the address of the gateway of lago'],
  ],
  [
    'an address twice',
    nics('- {net: lago, ip: 0.0.0.5}', '- {net: lago, ip: 192.168.200.5}'),
    ['5:23 domains.vm0.nics[1].ip', 'is given to vm0 on the net lago already'],
  ],
  [
    'an address on a bridge',
    nics('- {net: lago}', '- {net: br0, ip: 10.0.0.5}') + '  br0: {type: bridge}\n',
    ['5:22 domains.vm0.nics[1].ip', 'br0 is a bridge'],
  ],
  [
    'no nics',
    'domains:\n  vm0: {}\nnets: {lago: {}}\n',
    ['2:3 domains.vm0', 'VM vm0 has no management network, please connect it to one'],
  ],
  [
    'two management nets',
    nics('- net: lago', '- net: b') + '  b: {management: true}\n',
    ['3:5 domains.vm0.nics', 'VM vm0 has more than one management network: lago,b. It should have exactly one'],
  ],
  // disks
  [
    'an unknown type of disk',
    disk('type: emptyy', 'dev: vda'),
    ['6:15 domains.vm0.disks[0].type', 'one of template, empty, file did you mean empty'],
  ],
  [
    'a disk that is no mapping',
    vm('disks: [root]'),
    ['4:13 domains.vm0.disks[0]', '"root" is not a mapping with the keys of a disk'],
  ],
  [
    'a template disk without a template',
    disk('type: template', 'dev: vda'),
    ['5:9 domains.vm0.disks[0].template_name', 'is missing'],
  ],
  [
    'a qcow2 template without a path',
    disk('type: template', 'template_type: qcow2', 'dev: vda'),
    ['5:9 domains.vm0.disks[0].path', 'is missing'],
  ],
  [
    'a template version like a number',
    disk('type: template', 'template_name: a', 'template_version: 1.1', 'dev: vda'),
    ['8:27 domains.vm0.disks[0].template_version', 'put numbers in quotes'],
  ],
  [
    'an empty disk without a size',
    disk('type: empty', 'dev: vda', 'siz: 1G'),
    ['5:9 domains.vm0.disks[0].size', 'is missing'],
    ['8:9 domains.vm0.disks[0].siz', 'did you mean size'],
  ],
  [
    'a size without sense',
    disk('type: empty', 'dev: vda', 'size: 10 gigs'),
    ['8:15 domains.vm0.disks[0].size', '"10 gigs" is not a size'],
  ],
  [
    'a size of nothing',
    disk('type: empty', 'dev: vda', 'size: 0G'),
    ['8:15 domains.vm0.disks[0].size', 'is not a size between'],
  ],
  [
    'a disk by a URL of another kind',
    disk('type: file', 'dev: vda', 'format: raw', 'url: ftp://example.com/a'),
    ['9:14 domains.vm0.disks[0].url', 'a URL of http, https or file'],
  ],
  [
    'a file disk without a format',
    disk('type: file', 'dev: vda', 'path: /a'),
    ['5:9 domains.vm0.disks[0].format', 'is missing; expected one of qcow2, raw, iso'],
  ],
  [
    'a device that is none',
    disk('type: empty', 'dev: xvda', 'size: 1G'),
    ['7:14 domains.vm0.disks[0].dev', '"xvda" is not a target device'],
  ],
  [
    'a device and a name twice',
    vm('disks:', '- {name: a, type: empty, size: 1G, dev: vda}', '- {name: a, type: empty, size: 1G, dev: vda}'),
    ['6:14 domains.vm0.disks[1].name', '"a" is the name of another disk of this VM'],
    ['6:45 domains.vm0.disks[1].dev', '"vda" is the dev of another disk of this VM'],
  ],
  [
    'names that meet in one image file',
    'domains:\n' +
      '  a: {nics: [{net: lago}], disks: [{name: b_c, type: empty, size: 1G, dev: vda}]}\n' +
      '  a_b: {nics: [{net: lago}], disks: [{name: c, type: empty, size: 1G, dev: vda}]}\n' +
      'nets: {lago: {}}\n',
    ['3:3 domains.a_b', 'not a valid host name'],
    ['3:45 domains.a_b.disks[0].name', 'the image file "a_b_c.qcow2" would be that of a disk of a too'],
  ],
  [
    'a build step of another program',
    disk('type: empty', 'dev: vda', 'size: 1G', 'build: [{dd: {}}]'),
    ['9:18 domains.vm0.disks[0].build[0].dd', 'supported: virt-customize'],
  ],
  // nets
  ['an unknown type of net', net('type: briddge'), ['5:11 nets.lago.type', 'did you mean bridge']],
  ['a range backwards', net('dhcp: {start: 9, end: 2}'), ['5:11 nets.lago.dhcp', 'starts at 9, behind its end 2']],
  [
    'a range outside',
    net('dhcp: {start: 0, end: 255}'),
    ['5:19 nets.lago.dhcp.start', '0 is not a number counted from the address of the subnet, or an IPv4 address'],
  ],
  [
    'a range that reaches the broadcast address',
    net('dhcp: {start: 9, end: 255}'),
    ['5:27 nets.lago.dhcp.end', '255 is no address of the subnet: 1 to 254'],
  ],
  [
    'a range of another subnet',
    net('subnet: 10.20.0.0/28', 'dhcp: {start: 10.20.0.5, end: 10.20.0.20}'),
    ['6:35 nets.lago.dhcp.end', '"10.20.0.20" is no address of the subnet: 1 to 14, or within 10.20.0.0/28'],
  ],
  [
    'more machines than a subnet has addresses',
    'domains:\n  a: &a {nics: [{net: m}]}\n  b: *a\nnets: {m: {subnet: /30}}\n',
    ['4:8 nets.m', '2 nics are on this net, whose /30 has room for 1'],
  ],
  ['a range without an end', net('dhcp: {start: 2}'), ['5:5 nets.lago.dhcp.end', 'is missing']],
  [
    'a gateway of the internet',
    net('gw: 8.8.8.8'),
    ['5:9 nets.lago.gw', '8.8.8.0/24 is not private; what is: 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16'],
  ],
  [
    'a gateway that nobody can have',
    net('subnet: 10.20.0.0/20', 'gw: 10.20.15.255'),
    ['6:9 nets.lago.gw', '"10.20.15.255" is not a host address within 10.20.0.0/20'],
  ],
  ['a subnet of the internet', net('subnet: 9.9.9.0/24'), ['5:13 nets.lago.subnet', '9.9.9.0/24 is not private']],
  [
    'an address for a subnet',
    net('subnet: 10.20.1.0/20'),
    ['5:13 nets.lago.subnet', '"10.20.1.0/20" is an address in the subnet 10.20.0.0/20; write that'],
  ],
  [
    'a subnet that is too large',
    net('subnet: /15'),
    ['5:13 nets.lago.subnet', '"/15": the length of a prefix is 16 to 30'],
  ],
  ['a subnet of another form', net('subnet: 10.20.0.0'), ['5:13 nets.lago.subnet', 'a subnet as 10.20.0.0/20']],
  ['an address that is none', net('subnet: 10.20.0/24'), ['5:13 nets.lago.subnet', '"10.20.0/24" is not a subnet']],
  [
    'a subnet within that of another net',
    net('subnet: 10.20.0.0/20') + '  m: {subnet: 10.20.8.0/30}\n',
    ['6:15 nets.m.subnet', 'the subnet 10.20.8.0/30 overlaps 10.20.0.0/20, that of the net lago'],
  ],
  [
    'one IPv6 prefix for two nets',
    net('ipv6: fd00:1::/64') + '  m: {ipv6: "FD00:1::"}\n',
    ['6:13 nets.m.ipv6', 'that is the prefix of the net lago already'],
  ],
  ['an IPv6 address', net('ipv6: fd00::1/64'), ['5:11 nets.lago.ipv6', 'a private /64 as fd00:1:2:3::/64']],
  [
    'IPv6 of the internet',
    net('ipv6: "2001:db8::/64"'),
    ['5:11 nets.lago.ipv6', '"2001:db8::/64" is not private: what starts with fc or fd is'],
  ],
  ['a bridge for NAT', net('bridge: br0'), ['5:5 nets.lago.bridge', 'only a net of type bridge has it']],
  [
    'a bridge that no device is called',
    net('type: bridge', 'bridge: ../br0'),
    ['6:13 nets.lago.bridge', '"../br0" is not the name of a bridge of this host'],
  ],
  [
    'addresses on a bridge',
    net('type: bridge', 'subnet: 10.20.0.0/20'),
    ['6:5 nets.lago.subnet', 'a bridge is not given addresses by Lago'],
  ],
  [
    'DNS servers that are none',
    net('dns_forwarders: [dns.test]'),
    ['5:22 nets.lago.dns_forwarders[0]', '"dns.test" is not the address of a DNS server'],
  ],
  [
    'a DNS domain that is none',
    net('dns_forwarders: [10.0.0.1, {addr: 10.0.0.1, domain: "a b"}, {addr: x}, {}]'),
    ['5:76 nets.lago.dns_forwarders[3]', 'a mapping is not an address, or a mapping with addr and perhaps domain'],
  ],
  [
    'two nets on one subnet',
    net('gw: 192.168.210.1') + '  m: {gw: 192.168.210.9}\n',
    ['6:11 nets.m.gw', 'the subnet 192.168.210.0/24 is that of the net lago already'],
  ],
  ['an mtu too small', net('mtu: "60"'), ['5:10 nets.lago.mtu', '"60" is not a whole number from 68 to 65535']],
  [
    'DNS on a net that is not management',
    net('management: true') + '  b: {dns_domain_name: a.test}\n',
    ['6:7 nets.b.dns_domain_name', 'DNS is supported only in management networks'],
  ],
  [
    'DNS records that are none',
    net('dns_records: {a b: 1.2.3.4, c: x}'),
    ['5:19 nets.lago.dns_records["a b"]', 'is not a host name'],
    ['5:36 nets.lago.dns_records.c', '"x" is not an IPv4 address'],
  ],
]

test.each(table)('%s', async (_title, text, ...expected) => {
  const error = await failureOf(text)
  const issues = error.data.issues as SpecIssue[] // what invalidInitFile puts there
  expect(error.code).toBe('LAGO_SPEC_INVALID')
  expect(issues.map(({ line, column, path }) => `${line}:${column} ${path}`)).toEqual(expected.map(([place]) => place))
  for (const [index, [, words]] of expected.entries()) {
    const issue = issues[index]
    expect(
      issue?.suggestion === undefined ? issue?.message : `${issue.message} did you mean ${issue.suggestion}`,
    ).toContain(words)
  }
  expect(error.message.split('\n')).toHaveLength(issues.length)
  expect(error.message).not.toMatch(/invalid input|expected string, received|s3cret/i)
})

async function failureOf(text: string): Promise<LagoError> {
  const error: unknown = await parseInitFile(text, '/somewhere/LagoInitFile').catch((error: unknown) => error)
  if (error instanceof LagoError) return error
  throw new Error(`expected a LagoError, got ${JSON.stringify(error)}`)
}

/** A file with one VM, whose further keys start at line 4, column 5. */
function vm(...keys: string[]): string {
  return `domains:\n  vm0:\n    nics: [{net: lago}]\n${keys.map((key) => `    ${key}\n`).join('')}nets: {lago: {}}\n`
}

/** One VM with the disk "root", whose further keys start at line 6, column 9. */
function disk(...keys: string[]): string {
  return vm(
    ['disks:', '- name: root', ...keys.map((key) => `  ${key}`)]
      .map((line, i) => (i === 0 ? line : `      ${line}`))
      .join('\n'),
  )
}

/** One VM whose nics start at line 4; more nets may be appended. */
function nics(...items: string[]): string {
  return `domains:\n  vm0:\n    nics:\n${items.map((item) => `    ${item}\n`).join('')}nets:\n  lago: {management: true}\n`
}

/** One net, whose keys start at line 5, column 5; more nets may be appended. */
function net(...keys: string[]): string {
  return `domains:\n  vm0: {nics: [{net: lago}]}\nnets:\n  lago:\n${keys.map((key) => `    ${key}\n`).join('')}`
}

function bomb(): string {
  const levels = Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(', ')}]\n`)
  return `a0: &a0 [x]\n${levels.join('')}domains: *a9\nnets: {}\n`
}
