/**
 * A group with a fixed list of members, all started at once, in order, on the
 * stack of the owner. What finishes late stands in the report of the group, so
 * it is not also salvaged.
 */
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { GroupNode } from "../../fibers/internal/groupNode.ts"
import type { TaskNode } from "../../fibers/internal/taskNode.ts"
import { type Entries, toList } from "../Entries.ts"

export abstract class MembersNode<A, E> extends GroupNode<A, E> {
  readonly names: ReadonlyArray<string>
  private readonly effects: ReadonlyArray<Effect.Effect<any, any, any>>
  readonly isList: boolean
  /** By input index; a hole is a member that was never started. */
  readonly members: Array<TaskNode> = []
  private begun = false

  constructor(kind: "race" | "join", name: string, owner: Fiber.Fiber<any, any>, entries: Entries) {
    super(kind, name, owner)
    const list = toList(entries)
    this.isList = Array.isArray(entries)
    this.names = list.map(([name]) => name)
    this.effects = list.map(([, effect]) => effect)
  }

  /** True when it makes no sense to start more members. */
  abstract get decided(): boolean

  override begin(): void {
    for (let index = 0; index < this.effects.length; index++) {
      if (this.decided || this.interrupted) break
      const member = this.member("member", this.names[index]!, this.effects[index]!)
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
    if (this.isList) return this.names.map((_, index) => f(this.members[index], index))
    const record: Record<string, B> = {}
    for (let index = 0; index < this.names.length; index++) {
      const value = f(this.members[index], index)
      if (value !== undefined) record[this.names[index]!] = value
    }
    return record
  }
}
