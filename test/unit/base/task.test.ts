import { afterEach, describe, expect, jest, test } from '@jest/globals'
import { LagoError } from '../../../src/base/errors.js'
import { fanOut } from '../../../src/base/fan-out.js'
import { fanOutSink, type LagoEvent } from '../../../src/base/events.js'
import { defaultJobs } from '../../../src/base/parallelism.js'
import { createTask, type Task } from '../../../src/base/task.js'
import { UndoStack } from '../../../src/base/undo.js'
import { waitUntil, type Probe } from '../../../src/base/wait.js'

function taskWithEvents(): { task: Task; events: LagoEvent[]; abort: (reason: unknown) => void } {
  const events: LagoEvent[] = []
  const controller = new AbortController()
  const sink = fanOutSink([{ emit: (event) => events.push(event), close: async () => undefined }])
  let clock = 0
  const task = createTask(sink, { signal: controller.signal, now: () => (clock += 10) })
  return { task, events, abort: (reason) => controller.abort(reason) }
}

const cancelled = (): LagoError => new LagoError('LAGO_CANCELLED', 'stopped by SIGINT')

const waitForAbort = async (child: Task): Promise<never> =>
  new Promise((_, reject) => child.signal.addEventListener('abort', () => reject(child.signal.reason as Error)))

describe('step', () => {
  test('reports start and end with parent and duration', async () => {
    const { task, events } = taskWithEvents()
    await task.step('outer', async (task) => task.step('inner', async () => 7))
    expect(events).toEqual([
      { at: 10, type: 'step.start', id: 1, parent: undefined, title: 'outer' },
      { at: 20, type: 'step.start', id: 2, parent: 1, title: 'inner' },
      { at: 30, type: 'step.end', id: 2, outcome: 'ok', durationMs: 10 },
      { at: 40, type: 'step.end', id: 1, outcome: 'ok', durationMs: 30 },
    ])
  })

  test.each([
    ['failed', new Error('no')],
    ['cancelled', cancelled()],
  ])('ends as %s and passes the error on', async (outcome, error) => {
    const { task, events } = taskWithEvents()
    await expect(task.step('work', async () => Promise.reject(error))).rejects.toBe(error)
    expect(events.at(-1)).toMatchObject({ type: 'step.end', outcome })
  })

  test('does not begin on an aborted task', async () => {
    const { task, events, abort } = taskWithEvents()
    abort(cancelled())
    await expect(task.step('work', async () => 1)).rejects.toMatchObject({ code: 'LAGO_CANCELLED' })
    expect(events).toEqual([])
  })
})

describe('until', () => {
  test.each([
    ["the signal's", (signal: AbortController) => signal],
    ["the task's", () => undefined],
  ])('the child ends with the reason that is %s', async (_, choose) => {
    const { task, abort } = taskWithEvents()
    const over = new AbortController()
    const chosen = choose(over)
    const work = task.until(over.signal, async (task) => waitForAbort(task))
    if (chosen === undefined) abort(cancelled())
    else chosen.abort(cancelled())
    await expect(work).rejects.toMatchObject({ code: 'LAGO_CANCELLED' })
    expect(task.signal.aborted).toBe(chosen === undefined)
  })
})

describe('within', () => {
  test('aborts its child with the name of what was awaited', async () => {
    const { task } = taskWithEvents()
    await expect(task.within(5, 'the answer', waitForAbort)).rejects.toMatchObject({
      code: 'LAGO_TIMEOUT',
      message: 'the answer did not end within 0.005 s',
    })
  })

  test('leaves nothing behind when the work was in time', async () => {
    const { task } = taskWithEvents()
    expect(await task.within(60_000, 'work', async () => 'done')).toBe('done')
  })
})

describe('undo', () => {
  test('runs last first when not committed, even on an aborted task, and goes on after a failure', async () => {
    const { task, events, abort } = taskWithEvents()
    const undone: string[] = []
    const work = async (): Promise<void> => {
      await using undo = new UndoStack(task)
      undo.defer('first', async (task) => task.step('undo first', async () => void undone.push('first')))
      undo.defer('second', async () => Promise.reject(new Error('stuck')))
      undo.defer('third', async () => void undone.push('third'))
      abort(cancelled())
      task.signal.throwIfAborted()
    }
    await expect(work()).rejects.toMatchObject({ code: 'LAGO_CANCELLED' })
    expect(undone).toEqual(['third', 'first'])
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'log', level: 'error', message: 'undo failed: second: stuck' }),
    )
  })

  test('does nothing after commit', async () => {
    const { task } = taskWithEvents()
    const undone: string[] = []
    {
      await using undo = new UndoStack(task)
      undo.defer('it', async () => void undone.push('it'))
      undo.commit()
    }
    expect(undone).toEqual([])
  })
})

describe('fanOut', () => {
  test('keeps the order of the items and the limit', async () => {
    const { task } = taskWithEvents()
    let running = 0
    let most = 0
    const results = await fanOut(
      task,
      [5, 4, 3, 2, 1],
      async (item) => {
        most = Math.max(most, ++running)
        await Promise.resolve()
        running--
        return item * 2
      },
      { limit: 2 },
    )
    expect(results).toEqual([10, 8, 6, 4, 2])
    expect(most).toBe(2)
  })

  test('one failure is thrown as it is, after the others have ended', async () => {
    const { task } = taskWithEvents()
    const done: number[] = []
    const failure = new LagoError('LAGO_LIBVIRT', 'vm1 is broken')
    const work = fanOut(task, [1, 2, 3], async (item) => {
      if (item === 1) throw failure
      done.push(item)
    })
    await expect(work).rejects.toBe(failure)
    expect(done).toEqual([2, 3])
  })

  test('several failures are named in one error, with their hints', async () => {
    const { task } = taskWithEvents()
    const work = fanOut(task, ['a', 'b'], async (item) =>
      Promise.reject(new LagoError('LAGO_LIBVIRT', `${item} is broken`, { hint: `mend ${item}` })),
    )
    await expect(work).rejects.toMatchObject({
      code: 'LAGO_PARTIAL',
      message: '2 failures: a is broken; b is broken',
      hint: 'mend a; mend b',
      data: { failures: [{ code: 'LAGO_LIBVIRT' }, { code: 'LAGO_LIBVIRT' }] },
    })
  })

  test('an abort stops the queue and outweighs what failed because of it', async () => {
    const { task, abort } = taskWithEvents()
    const begun: number[] = []
    const work = fanOut(
      task,
      [1, 2, 3],
      async (item) => {
        begun.push(item)
        abort(cancelled())
        throw item === 1 ? new Error('torn') : cancelled()
      },
      { limit: 1 },
    )
    await expect(work).rejects.toMatchObject({ code: 'LAGO_CANCELLED' })
    expect(begun).toEqual([1])
  })
})

describe('waitUntil', () => {
  afterEach(() => void jest.restoreAllMocks())

  test('gives the value of the first try that has one', async () => {
    const { task } = taskWithEvents()
    let tries = 0
    const value = await waitUntil(task, 'it', async () => (++tries < 3 ? { notYet: 'no' } : { value: tries }), {
      timeoutMs: 10_000,
      everyMs: 1,
    })
    expect(value).toBe(3)
  })

  test('folds the tries into the error', async () => {
    const { task } = taskWithEvents()
    const startedAt = Date.now()
    const clock = jest.spyOn(Date, 'now').mockReturnValue(startedAt)
    const answers = ['refused', 'refused', 'no route', 'no route']
    const probe = async (): Promise<Probe<never>> => {
      const notYet = answers.shift() ?? 'asked after its time'
      if (answers.length === 0) clock.mockReturnValue(startedAt + 50)
      return { notYet }
    }
    const wait = waitUntil(task, 'ssh on vm0', probe, { timeoutMs: 50, everyMs: 1 })
    await expect(wait).rejects.toMatchObject({
      code: 'LAGO_TIMEOUT',
      message: 'ssh on vm0 did not happen within 0.05 s: 2 x refused; 2 x no route; last seen: no route',
      data: { attempts: { refused: 2, 'no route': 2 } },
    })
  })

  test('passes on what the probe throws and ends at once on abort', async () => {
    const { task, abort } = taskWithEvents()
    const options = { timeoutMs: 600_000, everyMs: 60_000 }
    await expect(waitUntil(task, 'it', async () => Promise.reject(new Error('boom')), options)).rejects.toThrow('boom')
    const wait = waitUntil(task, 'it', async () => ({ notYet: 'no' }), options)
    abort(cancelled())
    await expect(wait).rejects.toMatchObject({ code: 'LAGO_CANCELLED' })
  })
})

describe('jobs', () => {
  const work = async (jobs: number | undefined, limit?: number): Promise<number> => {
    let [running, most] = [0, 0]
    const task = createTask({ emit: () => undefined, close: async () => undefined }, { jobs })
    const item = async (_: number, child: Task): Promise<void> => {
      expect(child.jobs).toBe(task.jobs)
      most = Math.max(most, ++running)
      await new Promise((resolve) => setImmediate(resolve))
      running--
    }
    await task.step('all', async (task) =>
      fanOut(
        task,
        Array.from({ length: 100 }, (_, i) => i),
        item,
        limit === undefined ? {} : { limit },
      ),
    )
    return most
  }

  test('so many are worked on at once, unless the work has a limit of its own', async () => {
    expect(await work(3)).toBe(3)
    expect(await work(3, 5)).toBe(5)
    expect(await work(undefined)).toBe(defaultJobs())
  })

  test.each([
    [1, 64, 4],
    [2, 64, 8],
    [64, 4, 16],
    [64, 0.5, 4],
  ])('by default with %i cores and %f GiB of memory: %i', (cores, gibibytes, expected) => {
    expect(defaultJobs(cores, gibibytes * 1024 ** 3)).toBe(expected)
  })
})
