/** The client of a list of definitions: what `TaskClient` and `RemoteTask` describe, put together. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as CancelPolicy from "../../../fibers/CancelPolicy.ts"
import * as CancelReason from "../../../fibers/CancelReason.ts"
import { TaskCancelled } from "../../../fibers/TaskCancelled.ts"
import * as TaskOutcome from "../../../fibers/TaskOutcome.ts"
import * as Problem from "../../Problem.ts"
import { isTerminal, type Outcome, toOutcome } from "../../RemoteEvent.ts"
import type { RemoteTask } from "../../RemoteTask.ts"
import { ListQuery, TaskList } from "../../TaskApi.ts"
import type { RunOptions, StartOptions, TaskCaller, TaskClient } from "../../TaskClient.ts"
import { RequestRefused, type TaskClientError } from "../../TaskClientError.ts"
import type { Any, AnyCodec } from "../../TaskDefinition.ts"
import { askCancel, type CancelOptions } from "./cancelling.ts"
import { cancelMany } from "./cancellingMany.ts"
import { type EventDecoder, eventDecoder } from "./eventDecoder.ts"
import { following } from "./following.ts"
import { whileTransient } from "./retrying.ts"
import { Starting } from "./starting.ts"
import { view } from "./views.ts"
import { askAgain, decoder, type Wire } from "./wire.ts"

export const clientOf = (definitions: ReadonlyArray<Any>, wire: Wire): TaskClient<Any> => {
  const names = definitions.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new TypeError(`Two tasks are defined under the name "${twice}"`)
  return {
    tasks: Object.fromEntries(definitions.map((definition) => [definition.name, callerOf(definition, wire)])),
    list: (query) => list(wire, query),
    info: (id) => Effect.map(view(wire, id), Option.fromUndefinedOr),
    cancel: (id, options) => cancel(wire, id, options),
    cancelMany: (which, options) => cancelMany(wire, which, options)
  }
}

const callerOf = (definition: Any, wire: Wire): TaskCaller<Any> => {
  const decode = eventDecoder(definition)
  const encode = payloadEncoder(definition)

  const prepared = (payload: unknown, options: StartOptions | undefined) =>
    Effect.flatMap(encode(payload), (payload) => {
      const { deadline, id, labels = [], replace } = options ?? {}
      const limit = deadline === undefined ? undefined : CancelPolicy.bound("deadline", deadline)
      return Starting.make(wire, {
        name: definition.name,
        payload,
        id,
        labels,
        replace: replace === true,
        deadline: limit
      })
    })

  /** `use` has the task once it runs; if that comes to nothing, so does the task. */
  const started = <A>(
    payload: unknown,
    options: RunOptions | undefined,
    use: (task: RemoteTask<Any>) => Effect.Effect<A, TaskClientError>
  ): Effect.Effect<A, TaskClientError> =>
    Effect.flatMap(prepared(payload, options), (starting) =>
      Effect.flatMap(starting.run, (attempt) => use(remoteTask(wire, decode, starting.id, attempt))).pipe(
        Effect.onExit((exit) =>
          exit._tag === "Success" || (options?.onInterrupt === "detach" && starting.isStarted) || isGone(exit.cause)
            ? Effect.void
            : Effect.flatMap(whyLeft(exit.cause), (reason) =>
                starting.withdraw(reason, { grace: options?.grace, giveUp: options?.giveUp })
              )
        )
      )
    )

  return {
    start: (payload, options) => started(payload, options, Effect.succeed),
    run: (payload, options) => started(payload, options, (task) => task.await),
    call: (payload, options) =>
      Effect.flatMap(
        started(payload, options, (task) => Effect.map(task.await, (outcome) => ({ id: task.id, outcome }))),
        ({ id, outcome }) => valueOf(id, outcome)
      ),
    get: (id) => remoteTask(wire, decode, id, undefined)
  }
}

const remoteTask = (wire: Wire, decode: EventDecoder, id: string, attempt: number | undefined): RemoteTask<Any> => {
  const watch: RemoteTask<Any>["watch"] = (options) => following({ wire, decoder: decode, id, attempt }, options?.after)
  const outcome: RemoteTask<Any>["await"] = Effect.map(
    Stream.runLast(Stream.filter(watch(), isTerminal)),
    // A watch that ends has told the end.
    (last) => toOutcome(Option.getOrThrow(last))
  )
  return {
    id,
    attempt,
    watch,
    await: outcome,
    join: Effect.flatMap(outcome, (outcome) => valueOf(id, outcome)),
    cancel: (options) => cancel(wire, id, options),
    info: Effect.map(view(wire, id), Option.fromUndefinedOr)
  }
}

const valueOf = (task: string, outcome: Outcome<Any>): Effect.Effect<any, any> =>
  outcome._tag === "Cancelled"
    ? Effect.fail(new TaskCancelled({ task, reason: outcome.reason }))
    : TaskOutcome.toExit(outcome)

/** Who has the id by now is not ours to cancel. */
const isGone = (cause: Cause.Cause<TaskClientError>): boolean =>
  cause.reasons.some((reason) => Cause.isFailReason(reason) && reason.error._tag === "TaskUnknown")

/** Why the caller leaves its task: the reason of its own cancel, if it has one. */
const whyLeft = (cause: Cause.Cause<unknown>): Effect.Effect<CancelReason.CancelReason | CancelReason.Draft> =>
  Effect.map(
    CancelReason.current,
    Option.getOrElse(() =>
      CancelReason.interrupt({
        message: Cause.hasInterrupts(cause) ? "The caller was interrupted" : "The caller could not follow the task"
      })
    )
  )

/** What the definition does not allow is refused here, in the words of the server. */
const payloadEncoder = (definition: Any): ((payload: unknown) => Effect.Effect<Schema.Json, RequestRefused>) => {
  const encode = Schema.encodeUnknownEffect(Schema.toCodecJson(definition.payload as AnyCodec), { errors: "all" })
  return (payload) =>
    Effect.mapError(encode(payload), ({ issue }) => {
      const { code, detail } = Problem.invalid(issue, "body")
      return new RequestRefused({ call: `start ${definition.name}`, status: 400, code, detail })
    })
}

const cancel = (wire: Wire, id: string, options: CancelOptions | undefined) =>
  Effect.retry(askCancel(wire, id, options), whileTransient(wire.retry))

const decodeList = decoder(TaskList)
const encodeQuery = Schema.encodeSync(ListQuery)

const list = (wire: Wire, query: typeof ListQuery.Type | undefined) =>
  Effect.suspend(() => {
    const urlParams = encodeQuery(query ?? {})
    return Effect.map(
      askAgain(wire, "list", HttpClientRequest.get("/tasks", { urlParams }), decodeList),
      ({ tasks }) => tasks
    )
  })
