/** An environment as an object: the engine's verbs over one opened prefix. Heavy modules are loaded by what needs them. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Task } from '../base/task.js'
import type { NetPlan } from '../plan/types.js'
import type { SnapshotListing } from '../prefix/list-snapshots.js'
import { netsUp, providerOf, selectVms, statesOf } from '../prefix/prefix.js'
import { explained, openForProgram, type Opened } from './opened.js'
import type { Env, Net, Snapshot } from './types.js'
import { createVm } from './vm.js'

export interface Ownership {
  /** As the user named the prefix: one that was reached through a link loses the link, not what it leads to. */
  readonly givenPath: string
  /** Absolute. */
  readonly workdir: string
  /** Disposal destroys the environment. */
  readonly isOurs: boolean
}

/** Destroying goes on after an abort, for so long. */
const DISPOSE_LIMIT_MS = 120_000
const DEFAULT_SHUTDOWN_MS = 300_000
const DEFAULT_COLLECT_MS = 300_000

export function createEnv(opened: Opened, ownership: Ownership): Env {
  const { plan } = opened.prefix
  const { config, surroundings } = opened.session
  let isDestroyed = false

  const destroy = async (task: Task): Promise<void> => {
    if (isDestroyed) return
    const { removePrefixes } = await import('./remove-prefixes.js')
    await opened.dropLines([])
    await removePrefixes(
      task,
      async (work) => work(await opened.session.host()),
      [ownership.givenPath],
      ownership.workdir,
    )
    isDestroyed = true
  }

  const env: Env = {
    uuid: plan.uuid,
    prefixDir: opened.dir,
    vms: new Map([...plan.vms.values()].map((vm) => [vm.spec.name, createVm(opened, () => env, vm)])),
    nets: new Map([...plan.nets.values()].map((net) => [net.spec.name, createNet(opened, net)])),
    vm(name) {
      const [vm] = selectVms(plan, [name]).map(({ spec }) => env.vms.get(spec.name))
      if (vm === undefined) throw new Error(`unreachable: ${name} was selected`)
      return vm
    },
    async metadata() {
      opened.task()
      const text = await readFile(opened.prefix.layout.metadata, 'utf8')
      return JSON.parse(text) as Readonly<Record<string, unknown>> // our own file; openPrefix has checked it
    },
    setMetadata: async (values) => {
      const { setMetadata } = await import('../prefix/metadata.js')
      await opened.change({ verb: 'metadata' }, async (_task, _host, prefix) => setMetadata(prefix.layout, values))
    },
    status: async () => {
      const { prefixStatus } = await import('../prefix/status.js')
      return opened.read(prefixStatus)
    },

    start: async (vms = [], { force = false } = {}) => {
      const { startPrefix } = await import('../prefix/start.js')
      await opened.change({ verb: 'start', vms }, async (task, host, prefix) =>
        startPrefix(task, host, prefix, vms, { force }),
      )
    },
    stop: async (vms = []) => {
      const { stopPrefix } = await import('../prefix/stop.js')
      await opened.endGuests({ verb: 'stop', vms }, async (task, host, prefix) => stopPrefix(task, host, prefix, vms))
    },
    shutdown: async ({ vms = [], reboot = false, force = false, timeoutMs = DEFAULT_SHUTDOWN_MS } = {}) => {
      const { shutdownPrefix } = await import('../prefix/shutdown.js')
      const ask = async (): Promise<void> =>
        opened.endGuests({ verb: 'shutdown', vms }, async (task, host, prefix) =>
          shutdownPrefix(task, host, prefix, { names: vms, reboot, force, timeoutMs }),
        )
      if (!reboot) return ask()
      const { reboot: rebootGuests } = await import('./reboot.js')
      const lines = (await thoseThatAnswer(opened, vms)).map((name) => opened.line(name))
      await explained(rebootGuests(opened.task(), { lines, ask, timeoutMs }))
    },
    setLinks: async (target, conditions) => {
      const { setLinks } = await import('../prefix/set-links.js')
      await opened.change({ verb: 'net set', name: target }, async (task, host, prefix) => {
        await setLinks(task, host, prefix, target, conditions)
      })
    },
    suspend: async () => {
      const { suspendPrefix } = await import('../prefix/suspend.js')
      await opened.endGuests({ verb: 'stop --suspend' }, suspendPrefix)
    },
    destroy: async () => explained(destroy(opened.task())),

    wait: async (rung, { vms = [], timeoutMs } = {}) => {
      const { waitForRung } = await import('../prefix/wait.js')
      await opened.read(async (task, host, prefix) => waitForRung(task, host, prefix, { vms, rung, timeoutMs }))
    },
    deploy: async ({ vms = [], changedOnly = false } = {}) => {
      const { deployPrefix } = await import('../prefix/deploy.js')
      await opened.change({ verb: 'deploy', vms }, async (task, host, prefix) =>
        deployPrefix(task, host, prefix, { names: vms, changedOnly }),
      )
    },
    collectArtifacts: async (outputDir, { failOnMissing = false, vmTimeoutMs = DEFAULT_COLLECT_MS } = {}) => {
      const { collectArtifacts } = await import('../prefix/collect.js')
      const request = { outputDir: path.resolve(surroundings.cwd, outputDir), failOnMissing, vmTimeoutMs }
      await opened.read(async (task, host, prefix) => collectArtifacts(task, host, prefix, request))
    },

    export: async (options = {}) => {
      const { exportPrefix } = await import('../prefix/export.js')
      const initFileName = options.initFileName ?? 'LagoInitFile'
      const dstDir = path.resolve(surroundings.cwd, options.dstDir ?? '.')
      const { vms } = await opened.change({ verb: 'export' }, async (task, host, prefix) =>
        exportPrefix(task, host, prefix, {
          names: options.vms ?? [],
          standalone: options.standalone ?? false,
          compress: options.compress,
          dstDir,
          initFileName,
          format: options.format ?? 'yaml',
          collectOnly: false,
          jobs: config.vm.jobs,
          force: options.force ?? false,
        }),
      )
      return { vms, initFile: path.join(dstDir, initFileName) }
    },

    snapshot: async (name, { diskOnly = false, vms = [] } = {}) => {
      const { snapshotPrefix } = await import('../prefix/snapshot.js')
      await opened.change({ verb: 'snapshot', name, vms }, async (task, host, prefix) =>
        snapshotPrefix(task, host, prefix, name, { diskOnly, vms }),
      )
    },
    revert: async (name, { vms = [] } = {}) => {
      const { revertPrefix } = await import('../prefix/revert.js')
      await opened.change({ verb: 'revert', name, vms }, async (task, host, prefix) =>
        revertPrefix(task, host, prefix, name, { vms }).finally(async () => opened.renewLines()),
      )
    },
    deleteSnapshot: async (name) => {
      const { deleteSnapshot } = await import('../prefix/delete-snapshot.js')
      await opened.change({ verb: 'snapshot --delete', name }, async (task, host, prefix) =>
        deleteSnapshot(task, host, prefix, name),
      )
    },
    snapshots: async () => {
      const { listSnapshots } = await import('../prefix/list-snapshots.js')
      const all = await opened.read(listSnapshots)
      return new Map([...all].map(([vm, listings]) => [vm, toSnapshots(listings)]))
    },

    ansibleInventory: async ({ keys = [], format = 'ini' } = {}) => {
      const { ansibleInventory, inventoryTree } = await import('../prefix/ansible-inventory.js')
      opened.task()
      const inventory = ansibleInventory(opened.prefix, keys, config.ssh.user)
      if (format === 'json') return JSON.stringify(inventoryTree(inventory), undefined, 4)
      return (await import('../prefix/ansible-ini.js')).renderIni(inventory)
    },

    shielded: async (graceMs, work) =>
      opened.session.task.shielded(graceMs, async (task) => {
        // what the session holds is of this environment, and stays open
        const session = { ...opened.session, task, [Symbol.asyncDispose]: async () => undefined }
        await using shielded = createEnv(await openForProgram(session, opened.dir), { ...ownership, isOurs: false })
        return await work(shielded)
      }),

    close: async () => opened.close(),
    async [Symbol.asyncDispose]() {
      try {
        if (ownership.isOurs && !opened.isClosed) await opened.session.task.shielded(DISPOSE_LIMIT_MS, destroy)
      } finally {
        await opened.close()
      }
    },
  }
  return env
}

/** Those of the VMs that run, are ours, and have an address. */
async function thoseThatAnswer(opened: Opened, names: readonly string[]): Promise<string[]> {
  return opened.read(async (task, host, { plan }) => {
    const vms = selectVms(plan, names)
    const states = await statesOf(task, host, vms)
    const answers = vms.filter(
      (vm) =>
        states.get(vm.spec.name) === 'running' &&
        vm.managementIp !== undefined &&
        providerOf(host, vm).foreign !== true,
    )
    return answers.map(({ spec }) => spec.name)
  })
}

function createNet(opened: Opened, net: NetPlan): Net {
  return {
    name: net.spec.name,
    isManagement: net.isManagement,
    subnet: net.subnet,
    gateway: net.gateway,
    mtu: net.spec.mtu,
    mapping: net.mapping,
    isUp: async () => opened.read(async (task, host, { plan }) => (await netsUp(task, host, plan, [net])).length > 0),
  }
}

function toSnapshots(listings: ReadonlyMap<string, SnapshotListing>): ReadonlyMap<string, Snapshot> {
  return new Map(
    [...listings].map(([name, { takenAt, withMemory, diskUseBytes }]) => [name, { takenAt, withMemory, diskUseBytes }]),
  )
}
