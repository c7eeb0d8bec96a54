import { describe, expect, test } from '@jest/globals'
import { createTask } from '../../../../src/base/task.js'
import { LagoError } from '../../../../src/base/errors.js'
import type { QemuCommand } from '../../../../src/libvirt/types.js'
import { imageNodes, runQemuJob, type Monitor } from '../../../../src/vm/libvirt/snapshots/qemu-job.js'
import { recordedTask } from '../../../helpers/recorded-task.js'

const SAVE = { execute: 'snapshot-save', arguments: { tag: 't' } }

/** qemu's monitor with one job, which is asked for `steps` times before it is concluded. */
function monitorWith({ steps, error }: { steps: number; error?: string }): Monitor & { readonly said: string[] } {
  const said: string[] = []
  let id = ''
  return {
    said,
    async monitorCommand(_task: unknown, _domain: string, command: QemuCommand): Promise<unknown> {
      said.push(command.execute)
      if (command.execute === 'snapshot-save') id = String(command.arguments?.['job-id'])
      if (command.execute !== 'query-jobs') return {}
      const job = { id, status: steps-- > 0 ? 'running' : 'concluded', ...(error === undefined ? {} : { error }) }
      return [{ id: 'of somebody else', status: 'running' }, job]
    },
  }
}

describe('a job of qemu', () => {
  test('is begun, asked after until it is concluded, and dismissed', async () => {
    const monitor = monitorWith({ steps: 2 })
    await runQemuJob(recordedTask().task, monitor, 'dom', SAVE)
    expect(monitor.said).toEqual(['snapshot-save', 'query-jobs', 'query-jobs', 'query-jobs', 'job-dismiss'])
  })

  test('that fails is dismissed too, and told with its own words', async () => {
    const monitor = monitorWith({ steps: 0, error: 'No space left' })
    await expect(runQemuJob(recordedTask().task, monitor, 'dom', SAVE)).rejects.toMatchObject({
      code: 'LAGO_QEMU',
      message: 'snapshot-save on dom failed: No space left',
    })
    expect(monitor.said.at(-1)).toBe('job-dismiss')
  })

  test('is waited for when the task is aborted in the middle of it: its result counts', async () => {
    const controller = new AbortController()
    const task = createTask({ emit: () => undefined, close: async () => undefined }, { signal: controller.signal })
    const monitor = monitorWith({ steps: 1 })
    const ended = runQemuJob(task, monitor, 'dom', SAVE)
    controller.abort(new LagoError('LAGO_CANCELLED', 'stop'))
    await ended
    expect(monitor.said.at(-1)).toBe('job-dismiss')
  })

  test('is not begun by a task that was aborted before', async () => {
    const task = createTask(
      { emit: () => undefined, close: async () => undefined },
      { signal: AbortSignal.abort(new LagoError('LAGO_CANCELLED', 'stop')) },
    )
    const monitor = monitorWith({ steps: 0 })
    await expect(runQemuJob(task, monitor, 'dom', SAVE)).rejects.toMatchObject({ code: 'LAGO_CANCELLED' })
    expect(monitor.said).toEqual([])
  })
})

test("qemu's names of the images that are open, by path", async () => {
  const options = { driver: 'qcow2', backing: { file: { filename: '/store/mini' } }, file: { filename: '/images/top' } }
  const blocks = [
    { inserted: { file: '/images/root', 'node-name': 'libvirt-2-format' } },
    { device: 'an empty drive' },
    { inserted: { file: '/images/data', 'node-name': 'libvirt-1-format' } },
    { inserted: { file: `json:${JSON.stringify(options)}`, 'node-name': 'libvirt-3-format' } },
  ]
  const nodes = await imageNodes(recordedTask().task, { monitorCommand: async () => blocks }, 'dom')
  expect([...nodes]).toEqual([
    ['/images/root', 'libvirt-2-format'],
    ['/images/data', 'libvirt-1-format'],
    ['/images/top', 'libvirt-3-format'],
  ])
})
