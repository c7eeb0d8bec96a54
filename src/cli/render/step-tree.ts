/** What a renderer remembers of the steps that are open, keyed by id, so that equal titles and parallel work are safe. */
import type { LagoEvent, Level } from '../../base/events.js'

/** A line that was not shown, kept for the case that its step fails. */
export interface HiddenLine {
  readonly level: Level
  readonly text: string
}

export interface Step {
  readonly id: number
  readonly title: string
  readonly parent: Step | undefined
  /** 1 for a step without a parent. */
  readonly depth: number
  /** Another child of the same parent was open at the same time. */
  isParallel: boolean
  isHeaderShown: boolean
  /** The cause of its failure was shown, here or in a step below. */
  isUnfolded: boolean
  hidden: HiddenLine[]
  /** When the first progress came, and when it was last shown. */
  progress: { readonly startedAt: number; shownAt: number } | undefined
}

/** Of the lines of one step, and of the finished steps below it, this many are kept (spec 1.12). */
const MAX_HIDDEN = 2000

export class StepTree {
  readonly #open = new Map<number, Step>()

  open({ id, parent, title }: Extract<LagoEvent, { type: 'step.start' }>): Step {
    const above = this.find(parent)
    const siblings = [...this.#open.values()].filter((step) => step.parent === above)
    for (const sibling of siblings) sibling.isParallel = true
    const step: Step = {
      id,
      title,
      parent: above,
      depth: (above?.depth ?? 0) + 1,
      isParallel: siblings.length > 0,
      isHeaderShown: false,
      isUnfolded: false,
      hidden: [],
      progress: undefined,
    }
    this.#open.set(id, step)
    return step
  }

  find(id: number | undefined): Step | undefined {
    return id === undefined ? undefined : this.#open.get(id)
  }

  close(step: Step): void {
    this.#open.delete(step.id)
  }
}

/** Steps above `step`, outermost first. */
export function ancestorsOf(step: Step): Step[] {
  return step.parent === undefined ? [] : [...ancestorsOf(step.parent), step.parent]
}

export function hide(step: Step, lines: readonly HiddenLine[]): void {
  step.hidden = [...step.hidden, ...lines].slice(-MAX_HIDDEN)
}
