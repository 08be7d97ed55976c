/**
 * A group with a fixed list of members, all started at once, in order, on the
 * stack of the owner. What finishes late stands in the report of the group, so
 * it is not also salvaged.
 */
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { GroupNode } from "../../fibers/internal/groupNode.ts"
import type { TaskNode } from "../../fibers/internal/taskNode.ts"
import type { Entries } from "../Entries.ts"

export abstract class MembersNode<A, E> extends GroupNode<A, E> {
  /** The keys of a record; undefined for a list. */
  private readonly keys: ReadonlyArray<string> | undefined
  private readonly entries: Entries
  private readonly size: number
  /** By input index; what lies beyond its length was never started. */
  readonly members: Array<TaskNode> = []
  private begun = false

  constructor(kind: "race" | "join", name: string, owner: Fiber.Fiber<any, any>, entries: Entries) {
    super(kind, name, owner)
    this.keys = Array.isArray(entries) ? undefined : Object.keys(entries)
    this.entries = entries
    this.size = this.keys === undefined ? (entries.length as number) : this.keys.length
  }

  /** The key of a member, or its index. */
  keyOf(index: number): string | number {
    return this.keys === undefined ? index : this.keys[index]!
  }

  /** True when it makes no sense to start more members. */
  abstract get decided(): boolean

  override begin(): void {
    const entries = this.entries as Record<string | number, Effect.Effect<any, any, any>>
    for (let index = 0; index < this.size; index++) {
      if (this.decided || this.interrupted) break
      const key = this.keyOf(index)
      const member = this.member("member", String(key), entries[key]!)
      this.members.push(member)
      member.start()
    }
    this.begun = true
  }

  override get done(): boolean {
    return this.begun
  }

  override salvage(): boolean {
    return true
  }

  /** A list or a record, as the input was, of what `f` makes of each member. */
  collect<B>(f: (member: TaskNode | undefined, index: number) => B | undefined): any {
    const collected: any = this.keys === undefined ? [] : {}
    for (let index = 0; index < this.size; index++) {
      const value = f(this.members[index], index)
      if (this.keys === undefined || value !== undefined) collected[this.keyOf(index)] = value
    }
    return collected
  }
}
