/**
 * A group with a fixed list of members, all started at once, in order, on the
 * stack of the owner. What finishes late stands in the report of the group, so
 * it is not also salvaged.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { GroupNode } from "../../fibers/internal/groupNode.ts"
import type { CancelPolicy } from "../../fibers/CancelPolicy.ts"
import type { CancelReason, Draft } from "../../fibers/CancelReason.ts"
import type { TaskNode, Verdict } from "../../fibers/internal/taskNode.ts"
import type { Entries } from "../Entries.ts"

export abstract class MembersNode<A, E> extends GroupNode<A, E> {
  /** The keys of a record; undefined for a list. */
  private readonly keys: ReadonlyArray<string> | undefined
  private readonly effects: ReadonlyArray<Effect.Effect<any, any, any> | undefined>
  /** By input index; what lies beyond its length was never started. */
  readonly members: Array<TaskNode> = []
  private begun = false
  private passedOn = false

  constructor(kind: "race" | "join", name: string, owner: Fiber.Fiber<any, any>, entries: Entries) {
    super(kind, name, owner)
    if (Array.isArray(entries)) {
      this.keys = undefined
      this.effects = entries
    } else {
      const record = entries as Record<string, Effect.Effect<any, any, any>>
      const keys = Object.keys(record)
      this.keys = keys
      this.effects = keys.map((key) => record[key]!)
    }
  }

  /** The key of a member, or its index. */
  keyOf(index: number): string | number {
    return this.keys === undefined ? index : this.keys[index]!
  }

  /** True when it makes no sense to start more members. */
  abstract get decided(): boolean

  override begin(): void {
    for (let index = 0; index < this.effects.length; index++) {
      if (this.decided || this.interrupted || this.cutShort) break
      const key = this.keyOf(index)
      const member = this.member("member", String(key), this.effects[index] ?? missing(key))
      this.members.push(member)
      member.start()
    }
    this.begun = true
  }

  override get done(): boolean {
    return this.begun
  }

  /** A list or a record, as the input was, of what `f` makes of each member; a record has no key for `except`. */
  collect(f: (member: TaskNode | undefined) => unknown, except = -1): any {
    const collected: any = this.keys === undefined ? [] : {}
    for (let index = 0; index < this.effects.length; index++) {
      if (this.keys === undefined) collected.push(index === except ? undefined : f(this.members[index]))
      else if (index !== except) put(collected, this.keys[index]!, f(this.members[index]))
    }
    return collected
  }

  /** A member has cancelled the task around it while the members were being started. */
  private get cutShort(): boolean {
    return !this.begun && this.stoppedAbove
  }

  /** A cancel from above has begun, but the owner is where it cannot be interrupted. */
  private get withheldAbove(): boolean {
    return this.up!.interrupted && !this.interrupted && !this.cutShort
  }

  /** What a cancel from above does not reach has reasons of its own. */
  override cancel(reason: Draft | CancelReason, policy?: CancelPolicy): void {
    const requested = this.mark
    if (requested !== undefined && requested.target !== this && this.withheldAbove) {
      this.walk((node) => {
        if (node.mark !== requested || node.interrupted) return false
        node.mark = undefined
        return true
      })
    }
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

/** Sets a key of its own, whatever its name. */
export const put = (record: Record<string, unknown>, key: string, value: unknown): void => {
  if (key === "__proto__")
    Object.defineProperty(record, key, { value, enumerable: true, writable: true, configurable: true })
  else record[key] = value
}

const missing = (key: string | number): Effect.Effect<never> =>
  Effect.die(new TypeError(`The member ${JSON.stringify(key)} is not an effect`))
