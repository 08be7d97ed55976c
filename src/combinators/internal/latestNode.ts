/**
 * The nursery of a `Latest`. The map is an index of the tree, not a second
 * truth: under each key stand the runs that are linked below this node, oldest
 * first, and the entry goes with the last of them. At most the last one of a key
 * is wanted; those before it were told to stop. It waits, linked but without a
 * fiber, until it is the only one.
 */
import type * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as MutableHashMap from "effect/MutableHashMap"
import { type CancelPolicy, immediate } from "../../fibers/CancelPolicy.ts"
import * as CancelReason from "../../fibers/CancelReason.ts"
import { cancel } from "../../fibers/internal/cancelling.ts"
import { NurseryNode } from "../../fibers/internal/nurseryNode.ts"
import type { Kind } from "../../fibers/internal/scopeNode.ts"
import { TaskNode } from "../../fibers/internal/taskNode.ts"

export interface LatestSettings<K> {
  readonly name: string
  /** A newcomer does not wait for the clean-up of the one before. */
  readonly overlap: boolean
  readonly policy: CancelPolicy
  readonly nameOf: (key: K) => string
}

interface Slot {
  readonly key: unknown
  readonly runs: Array<RunNode>
  /** The highest number given under this key. */
  attempts: number
}

/** One run. It keeps its number itself: a record per replacement would cost more than the run. */
export class RunNode extends TaskNode {
  slot: Slot = nowhere
  number = 1
  /** Held back until the runs before it have ended. */
  waiting = false

  override get attempt(): number {
    return this.number
  }
}

const nowhere: Slot = { key: undefined, runs: [], attempts: 0 }

export class LatestNode<K> extends NurseryNode {
  private readonly slots = MutableHashMap.empty<K, Slot>()
  /** Above every number of a key whose entry is gone, so that no run of a key ever has the number of another. */
  private spent = 0
  private readonly settings: LatestSettings<K>

  constructor(settings: LatestSettings<K>, owner: Fiber.Fiber<any, any>) {
    super(settings.name, owner, "supervise", undefined)
    this.settings = settings
  }

  override member(
    kind: Kind,
    name: string,
    effect: Effect.Effect<any, any, any>,
    context: Context.Context<never>
  ): RunNode {
    const run = new RunNode(kind, name, this, effect, context)
    run.open()
    return run
  }

  /** Every run of a key that has not ended, oldest first. */
  runsOf(key: K): ReadonlyArray<RunNode> {
    const slot = MutableHashMap.get(this.slots, key)
    return slot._tag === "None" ? nowhere.runs : slot.value.runs
  }

  /** The run that holds the key: one that was told to stop does not. */
  holderOf(key: K): RunNode | undefined {
    const latest = this.runsOf(key).at(-1)
    return latest?.mark === undefined ? latest : undefined
  }

  /** How many keys have a run. */
  get size(): number {
    return MutableHashMap.size(this.slots)
  }

  nameOf(key: K): string {
    return this.settings.nameOf(key)
  }

  /** A run that takes the place of the one before it; in a closed node one that is already cancelled. */
  replace(key: K, effect: Effect.Effect<any, any, any>, starter: Fiber.Fiber<any, any>): TaskNode {
    const adopted = this.adopt(this.settings.nameOf(key), effect, starter)
    if (adopted.gone) return adopted
    const run = adopted as RunNode
    const slot = this.slotOf(key)
    const before = slot.runs.at(-1)
    run.slot = slot
    run.number = ++slot.attempts
    slot.runs.push(run)
    if (before !== undefined) this.supersede(before, run)
    // By now a finalizer of the one before may have replaced this run in turn: then neither of these starts it.
    if (this.settings.overlap || slot.runs[0] === run) this.starting.add(run, starter)
    else run.waiting = true
    return run
  }

  private slotOf(key: K): Slot {
    const found = MutableHashMap.get(this.slots, key)
    if (found._tag === "Some") return found.value
    const slot: Slot = { key, runs: [], attempts: this.spent }
    MutableHashMap.set(this.slots, key, slot)
    return slot
  }

  private supersede(before: RunNode, by: RunNode): void {
    cancel(before, CancelReason.superseded({ by: `${by.name}#${by.number}` }), this.policyFor(before), this.context)
  }

  /** Patience is for what has begun. */
  policyFor(run: RunNode, policy = this.settings.policy): CancelPolicy {
    return Number.isNaN(run.startedAt) ? immediate : policy
  }

  override memberEnded(member: TaskNode): void {
    super.memberEnded(member)
    const { slot } = member as RunNode
    slot.runs.splice(slot.runs.indexOf(member as RunNode), 1)
    const next = slot.runs[0]
    if (next === undefined) {
      MutableHashMap.remove(this.slots, slot.key as K)
      this.spent = Math.max(this.spent, slot.attempts)
    } else if (next.waiting) {
      next.waiting = false
      this.nextTurn(() => this.startNow(next))
    }
  }

  private startNow(run: RunNode): void {
    // Asked to stop with patience while it waited: it has nothing to finish.
    if (run.mark !== undefined && !run.interrupted) cancel(run, run.mark.reason, immediate, this.context)
    run.start()
  }
}
