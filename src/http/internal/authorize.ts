/** What a caller may do to a task, as answers: 401, 403, and 404 for what it may not even know of. */
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Option from "effect/Option"
import * as CancelReason from "../../fibers/CancelReason.ts"
import type { CancelCall } from "../CancelCall.ts"
import * as Cors from "../Cors.ts"
import { Problem } from "../Problem.ts"
import type { Action, Subject, Visitor } from "../TaskAccess.ts"
import type { Server } from "./served.ts"
import { findServed, type Served, servedOf } from "./servedTask.ts"
import { taskNotFound } from "./taskNotFound.ts"

/** Who asks. Before anything else: who may not is told nothing, and its body is not read. */
export const enter = (
  server: Pick<Server, "access">,
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<Visitor, Problem> => server.access.visitor(request)

/** The same for what is about all tasks. */
export const inspect = (
  server: Pick<Server, "access">,
  request: HttpServerRequest.HttpServerRequest
): Effect.Effect<void, Problem> =>
  Effect.flatMap(enter(server, request), ({ mayInspect }) =>
    mayInspect ? Effect.void : Effect.fail(forbidden("You may not see what is about the tasks of others"))
  )

/**
 * The same for one task. No page of another origin may so much as follow one, be it that its browser sends a cookie or
 * sits behind the wall: it would stop the task by leaving, where the definition says so.
 */
export const authorize = (
  server: Server,
  request: HttpServerRequest.HttpServerRequest,
  action: Exclude<Action, "start">,
  id: string
): Effect.Effect<{ readonly visitor: Visitor; readonly served: Served }, Problem> =>
  action === "events" && Cors.isForeign(request.headers, server.cors)
    ? Effect.fail(Cors.foreign)
    : Effect.flatMap(enter(server, request), (visitor) =>
        Effect.map(admit(server, visitor, action, id), (served) => ({ visitor, served }))
      )

/** The task under this id, if the visitor may do this to it. */
export const admit = (
  server: Server,
  visitor: Visitor,
  action: Exclude<Action, "start">,
  id: string
): Effect.Effect<Served, Problem> =>
  Effect.flatMap(findServed(server, id), (found) => {
    if (Option.isNone(found) || !may(visitor, "read", found.value)) return Effect.fail(taskNotFound(id))
    if (action === "read" || may(visitor, action, found.value)) return Effect.succeed(found.value)
    return refuse(visitor, action, id)
  })

/** Of a task that it may see. */
export const refuse = (visitor: Visitor, action: keyof typeof acts, id: string): Effect.Effect<never, Problem> =>
  Effect.andThen(
    Effect.logInfo(`Refused to ${nameOf(visitor)}: ${action} of "${id}"`),
    Effect.fail(forbidden(`You may see the task "${id}", but not ${acts[action]}`))
  )

const acts = { events: "follow it", cancel: "cancel it" } as const

export const may = (visitor: Visitor, action: Action, served: Served): boolean => visitor.may(action, subjectOf(served))

const subjectOf = ({ kind, labels, owner, task }: Served): Subject => ({
  name: kind.definition.name,
  id: task.name,
  owner,
  labels
})

/** Whether the visitor may start a task like this one. */
export const admitStart = (visitor: Visitor, task: Omit<Subject, "owner">): Effect.Effect<void, Problem> =>
  visitor.may("start", { ...task, owner: visitor.id })
    ? Effect.void
    : Effect.andThen(
        Effect.logInfo(`Refused to ${nameOf(visitor)}: start of "${task.name}"`),
        Effect.fail(forbidden(`You may not start "${task.name}"`))
      )

/**
 * Whether the visitor may take this id, as far as it is held by another. Of a task that it may not read it is told that
 * the id is taken, and nothing else: not whether that task runs.
 */
export const claim = (server: Server, visitor: Visitor, id: string, replace: boolean): Effect.Effect<void, Problem> =>
  Effect.flatMap(server.tasks.get(id), (task) => {
    if (Option.isNone(task)) return Effect.void
    const served = servedOf(server, task.value)
    if (served === undefined || !may(visitor, "read", served)) return Effect.fail(idTaken(id))
    return replace && !may(visitor, "cancel", served)
      ? Effect.fail(forbidden(`You may see the task "${id}", but not replace it`))
      : Effect.void
  })

/**
 * The reason of a cancel. Who is identified cannot cancel in the name of another: for whom it does so may stand in
 * `detail`.
 */
export const reasonOf = (visitor: Visitor, said: CancelCall["reason"]): Effect.Effect<CancelReason.Draft, Problem> => {
  const by = visitor.id
  if (by === undefined) return Effect.succeed(CancelReason.request(said))
  if (said?.by === undefined || said.by === by) return Effect.succeed(CancelReason.request({ ...said, by }))
  const message = `You are "${by}"; leave this out, and write in "detail" for whom you cancel`
  const errors = [{ in: "body", field: "reason.by", message }] as const
  return Effect.fail(new Problem({ code: "invalid-request", detail: `reason.by: ${message}`, extension: { errors } }))
}

const nameOf = ({ id }: Visitor): string => (id === undefined ? "an anonymous caller" : JSON.stringify(id))

const forbidden = (detail: string): Problem => new Problem({ code: "forbidden", detail })

const idTaken = (id: string): Problem =>
  new Problem({ code: "id-taken", detail: `The id "${id}" is taken; choose another, or let the server choose one` })
