/**
 * What a server knows of a task that it started, in the record that `Tasks` keeps
 * of it. A task that the program started by itself has none, and is not to be seen
 * from outside.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Json } from "effect/Schema"
import type { CancelReason } from "../../fibers/CancelReason.ts"
import { type Companion, companionOf } from "../../fibers/internal/companion.ts"
import { trampoline } from "../../fibers/internal/trampoline.ts"
import type { Task } from "../../fibers/Task.ts"
import type * as EventStream from "../EventStream.ts"
import { Recording } from "./recording.ts"
import type { Kind, Server } from "./served.ts"
import { TaskTrace } from "./taskTrace.ts"

type AnyTask = Task<unknown, unknown, unknown>

interface Given {
  readonly kind: Kind
  readonly payload: Json
  /** The caller who starts it; undefined if that is an anonymous one. */
  readonly owner: string | undefined
  readonly labels: ReadonlyArray<string>
  /** What it runs with. */
  readonly services: Context.Context<never>
}

/** It tells the watchers of the server what becomes of the task. */
export class Served implements Companion {
  readonly server: Server
  readonly kind: Kind
  readonly payload: Json
  readonly owner: string | undefined
  readonly labels: ReadonlyArray<string>
  services: Context.Context<never>
  readonly recording: Recording
  readonly trace = new TaskTrace()
  /** Set before anybody can know of it. */
  task!: AnyTask
  /** Made for the first of its event streams. */
  declare sending?: EventStream.Options
  /** How many follow it who may cancel it, where that matters. */
  followers = 0
  /** How many times one of them has left. */
  departures = 0

  constructor(server: Server, { kind, labels, owner, payload, services }: Given) {
    this.server = server
    this.kind = kind
    this.payload = payload
    this.owner = owner
    this.labels = labels
    this.services = services
    this.recording = new Recording(kind.definition, server)
  }

  registered(task: AnyTask): void {
    this.task = task
    for (const { started } of this.server.watchers) started?.(this)
  }

  requested(reason: CancelReason): void {
    for (const { requested } of this.server.watchers) requested?.(this, reason)
  }

  closed(): void {
    this.services = Context.empty()
    trampoline(() => {
      for (const { ended } of this.server.watchers) ended?.(this)
    })
  }
}

export const findServed = (server: Server, id: string): Effect.Effect<Option.Option<Served>> =>
  Effect.map(
    server.tasks.get(id),
    Option.flatMap((task) => Option.fromUndefinedOr(servedOf(server, task)))
  )

export const servedOf = (server: Server, task: AnyTask): Served | undefined => {
  const companion = companionOf(task)
  return companion instanceof Served && companion.server === server ? companion : undefined
}
