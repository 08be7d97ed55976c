/**
 * A group with a fixed list of members, started in order on the stack of the
 * owner: all at once, or as many at a time as it allows; those that wait have
 * their place in the tree and in the report already. What finishes late stands
 * in the report of the group, so it is not also salvaged.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { GroupNode } from "../../fibers/internal/groupNode.ts"
import type { CancelPolicy } from "../../fibers/CancelPolicy.ts"
import type { CancelReason, Draft } from "../../fibers/CancelReason.ts"
import { forgetWithheld } from "../../fibers/internal/cancelling.ts"
import type { ScopeNode } from "../../fibers/internal/scopeNode.ts"
import { TaskNode, type Verdict } from "../../fibers/internal/taskNode.ts"
import type { Entries, Entry } from "../Entries.ts"
import { awaitTask, standFor, stopTask } from "./outsideTask.ts"

export interface MembersOptions {
  readonly policy: CancelPolicy
  /** Whether losing cancels a task from outside as well. */
  readonly cancelTasks: boolean
  /** How many members run at a time. */
  readonly concurrency: number
}

export abstract class MembersNode<A, E> extends GroupNode<A, E> {
  /** The keys of a record; undefined for a list. */
  private readonly keys: ReadonlyArray<string> | undefined
  private readonly entries: ReadonlyArray<Entry | undefined>
  protected readonly options: MembersOptions
  /** By input index; what lies beyond its length was never started. */
  readonly members: Array<TaskNode> = []
  /** The index of the member that starts next. */
  private turn = 0
  private running = 0
  /** Members in the tree whose turn has not come. */
  private waiting: Set<ScopeNode> | undefined = undefined
  /** Tasks from outside that were told to stop and have not ended. */
  private stopping = 0
  private starting = false
  private begun = false
  private passedOn = false

  constructor(
    kind: "race" | "join",
    name: string,
    owner: Fiber.Fiber<any, any>,
    entries: Entries,
    options: MembersOptions
  ) {
    super(kind, name, owner)
    this.options = options
    if (Array.isArray(entries)) {
      this.keys = undefined
      this.entries = entries
    } else {
      const record = entries as Record<string, Entry>
      const keys = Object.keys(record)
      this.keys = keys
      this.entries = keys.map((key) => record[key]!)
    }
  }

  get size(): number {
    return this.entries.length
  }

  /** The key of a member, or its index. */
  keyOf(member: TaskNode): string | number {
    return this.keys === undefined ? Number(member.name) : member.name
  }

  /** True when it makes no sense to start more members. */
  abstract get decided(): boolean

  override begin(): void {
    if (this.options.concurrency < this.size) {
      this.waiting = new Set()
      for (let index = 0; index < this.size; index++) this.waiting.add(this.add(index))
    }
    this.startMore()
    this.begun = true
  }

  private add(index: number): TaskNode {
    const name = this.keys === undefined ? String(index) : this.keys[index]!
    const entry = this.entries[index] ?? missing(this.keys === undefined ? index : name)
    const member =
      entry instanceof TaskNode
        ? this.addOutside(name, entry)
        : this.member("member", name, entry as Effect.Effect<any>)
    this.members.push(member)
    return member
  }

  private addOutside(name: string, task: TaskNode): TaskNode {
    const member = this.member("member", name, awaitTask(task))
    standFor(member, task, this.options.policy, this.options.cancelTasks)
    return member
  }

  /** Starts members while there is room: in a loop, since one that ends at once makes room for the next. */
  protected startMore(): void {
    if (this.starting) return
    this.starting = true
    while (this.turn < this.size && this.hasRoom && !this.decided && !this.interrupted && !this.stoppedAbove) {
      const member = this.turn < this.members.length ? this.members[this.turn]! : this.add(this.turn)
      this.turn++
      // Cancelled while it waited.
      if (member.gone) continue
      this.waiting?.delete(member)
      this.running++
      this.memberStarts(member)
      member.start()
      this.memberStarted(member)
    }
    this.starting = false
  }

  private stop(member: TaskNode): void {
    const { cancelTasks, policy } = this.options
    const waits = stopTask(member, this, policy, cancelTasks, () => {
      this.stopping--
      this.closeIfDone()
    })
    if (waits) this.stopping++
  }

  /** Whether one more may start now. */
  protected get hasRoom(): boolean {
    return this.running < this.options.concurrency
  }

  protected get started(): number {
    return this.turn
  }

  /** A member is about to start. */
  protected memberStarts(_member: TaskNode): void {}

  /** A member has taken its first step, and may have ended in it. */
  protected memberStarted(_member: TaskNode): void {}

  /** Everybody's turn has come. */
  protected get allStarted(): boolean {
    return this.turn >= this.size
  }

  override get done(): boolean {
    return this.begun && this.stopping === 0
  }

  override childClosed(child: ScopeNode): void {
    if (this.waiting?.delete(child) !== true) this.running--
    const member = child as TaskNode
    if (member.record?.standsFor !== undefined) this.stop(member)
    this.memberEnded(member)
    if (!this.allStarted) this.startMore()
    this.closeIfDone()
  }

  /** A list or a record, as the input was, of what `f` makes of each member; a record has no key for those in `except`. */
  collect(f: (member: TaskNode | undefined) => unknown, except: ReadonlySet<TaskNode> = nobody): any {
    const collected: any = this.keys === undefined ? [] : {}
    for (let index = 0; index < this.size; index++) {
      const member = this.members[index]
      const left = member !== undefined && except.has(member)
      if (this.keys === undefined) collected.push(left ? undefined : f(member))
      else if (!left) put(collected, this.keys[index]!, f(member))
    }
    return collected
  }

  /** A member has cancelled the task around it while the members were being started. */
  private get cutShort(): boolean {
    return !this.begun && this.stoppedAbove
  }

  /** A cancel from above has begun, but the owner is where it cannot be interrupted. */
  private get withheldAbove(): boolean {
    return this.up!.interrupted && !this.interrupted && !this.cutShort && !this.ownerLeft
  }

  /** What a cancel from above does not reach has reasons of its own. */
  override cancel(reason: Draft | CancelReason, policy?: CancelPolicy): void {
    if (this.withheldAbove) forgetWithheld(this)
    super.cancel(reason, policy)
  }

  /** Gives failures of clean-up to the enclosing task: for results without a place for them, and owners without a result. */
  passOnCleanupFailures(verdicts: ReadonlyArray<Verdict> = ["completed", "failed", "cancelled"]): void {
    if (this.passedOn) return
    this.passedOn = true
    for (const member of this.members) {
      if (!verdicts.includes(member.verdict!)) continue
      for (const failure of member.record?.cleanupFailures ?? []) this.up!.keepCleanupFailure(failure)
    }
  }

  override lost(): void {
    this.passOnCleanupFailures()
  }
}

const nobody: ReadonlySet<TaskNode> = new Set()

/** Sets a key of its own, whatever its name. */
export const put = (record: Record<string, unknown>, key: string, value: unknown): void => {
  if (key === "__proto__")
    Object.defineProperty(record, key, { value, enumerable: true, writable: true, configurable: true })
  else record[key] = value
}

const missing = (key: string | number): Effect.Effect<never> =>
  Effect.die(new TypeError(`The member ${JSON.stringify(key)} is not an effect`))
