/** Breaks of the task service (S1). */
import type { Mutant } from "../Mutant.ts"

const home = "src/examples/sse-tasks"
const folder = "test/examples/sse-tasks"
const cancellation = [`${folder}/cancellation.test.ts`]
const http = [`${folder}/http.test.ts`]
const races = [`${folder}/races.test.ts`]
const timeouts = [`${folder}/timeouts.test.ts`]
const shutdown = [`${folder}/shutdown.test.ts`]
const fetching = [`${folder}/fetch.test.ts`]
const coordinator = `${home}/coordinator/Coordinator.ts`
const cancelling = `${home}/coordinator/cancelOf.ts`
const attempt = `${home}/coordinator/Attempt.ts`
const body = `${home}/coordinator/body.ts`
const watch = `${home}/coordinator/watch.ts`
const events = `${home}/coordinator/taskEvents.ts`
const stream = `${home}/http/streamRoute.ts`
const store = `${home}/store/TaskStore.ts`

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "what a task says about its cancellation is an event of its own",
    law: "S1-79",
    file: attempt,
    find: 'if (event === "cancelled") attempt.own = { ...attempt.own, ...data }\n    else EventLog',
    replace: "EventLog",
    tests: cancellation
  },
  {
    name: "what a task says about its cancellation is lost",
    law: "S1-56",
    file: attempt,
    find: "endOf(event, model.error, attempt.own)",
    replace: "endOf(event, model.error, undefined)",
    tests: cancellation
  },
  {
    name: "clients are not told that the service shuts down",
    law: "S1x-16",
    file: attempt,
    find: 'event.reason.source === "shutdown"',
    replace: "event.attempt === 0",
    tests: shutdown
  },
  {
    name: "a status says what the store says, however late that is",
    law: "S1x-28",
    file: attempt,
    find: "attempt?.end === undefined ||",
    replace: "attempt?.end !== undefined ||",
    tests: races
  },
  {
    name: "the final value is saved outside a commit",
    law: "S1x-27",
    file: body,
    find: "return yield* Task.commit(saved(attempt, key, encoded, store), { within: saveWithin })",
    replace: "return yield* saved(attempt, key, encoded, store)",
    tests: races
  },
  {
    name: "a value whose record is gone counts as saved",
    law: "S1x-30",
    file: body,
    find: "if (yield* store.end(key, attempt.number, end)) return",
    replace: "yield* store.end(key, attempt.number, end)\n    if (key.id > 0) return",
    tests: races
  },
  {
    name: "how a task ended is not saved if the store fails once",
    law: "S1x-28",
    file: watch,
    find: 'Effect.catch(() => Effect.delay(Effect.retry(once, patiently), "100 millis"))',
    replace: "Effect.catch(() => Effect.succeed(true))",
    tests: races
  },
  {
    name: "a task that is over its time is cancelled as if somebody had asked",
    law: "S1-64",
    file: events,
    find: 'event.reason.source === "timeout" ? "timeout" : "cancelled"',
    replace: '"cancelled"',
    tests: timeouts
  },
  {
    name: "a record may have more time than the server allows",
    law: "S1-62",
    file: coordinator,
    find: "Duration.fromInputUnsafe(own), maxRunTime)",
    replace: "Duration.fromInputUnsafe(own), Duration.infinity)",
    tests: timeouts
  },
  {
    name: "every cancel of a task that is stopping says that it stopped it",
    law: "S1-24",
    file: cancelling,
    find: '"reason" in result && result.reason === mine',
    replace: '"reason" in result && mine.scope === name',
    tests: cancellation
  },
  {
    name: "a cancel of nothing is not logged",
    law: "S1-20",
    file: cancelling,
    find: "Effect.logWarning(`Cannot cancel task ${name}: not found`)",
    replace: "Effect.void",
    tests: cancellation
  },
  {
    name: "a start that is refused leaves its record running",
    law: "S1x-24",
    file: coordinator,
    find: "Effect.tapError(() => store.unclaim(was))",
    replace: "Effect.tapError(() => Effect.succeed(was))",
    tests: races
  },
  {
    name: "a retry that cannot begin leaves its record pending",
    law: "S1x-40",
    file: coordinator,
    find: "const was = before ?? {",
    replace: "const was: TaskRecord = {",
    tests: races
  },
  {
    name: "a cancel says that it stops a task whose value is being saved",
    law: "S1x-27",
    file: cancelling,
    find: "if (found.attempt.saving && call.wait !== true) {",
    replace: "if (found.attempt.saving && call.wait === undefined && call.by === key.app) {",
    tests: races
  },
  {
    name: "a close without a shutdown cancels nothing that is saved",
    law: "S1x-16",
    file: coordinator,
    find: "yield* Effect.addFinalizer(() => shutdown())",
    replace: "yield* Effect.addFinalizer(() => Effect.void)",
    tests: shutdown
  },
  {
    name: "who writes shutdown as a reason is taken for a service that shuts down",
    law: "S1-07",
    file: events,
    find: `return message === "shutdown" ? '"shutdown"' : message`,
    replace: "return message",
    tests: cancellation
  },
  {
    name: "an EventSource that comes back starts a task that it never followed",
    law: "S1x-02",
    file: stream,
    find: "if (seen !== undefined) return HttpServerResponse.empty",
    replace: 'if (seen === "") return HttpServerResponse.empty',
    tests: http
  },
  {
    name: "who may look at a task may do all to it",
    law: "S1x-40",
    file: `${home}/http/route.ts`,
    find: "return visitor.may(action, subjectOf(record))\n",
    replace: "return action.length > 0\n",
    tests: http
  },
  {
    name: "a foreign record ends the start of the service",
    law: "S1x-30",
    file: store,
    find: "Effect.map(Effect.forEach(rows, readable), Arr.getSomes)",
    replace: "Effect.as(Effect.forEach(rows.slice(0, 0), readable), Arr.map(rows, recordOf))",
    tests: [`${folder}/main.test.ts`]
  },
  {
    name: "a shutdown does not wait until the ends are saved",
    law: "S1x-21",
    file: coordinator,
    find: "      yield* Effect.timeoutOption(FiberSet.awaitEmpty(watchers), saveWithin)\n",
    replace: "",
    tests: [...shutdown, ...races]
  },
  {
    name: "whoever comes back after the end of another server starts the task again",
    law: "S1x-02",
    file: store,
    find: "WHERE ${is(key)} AND status = 'pending' RETURNING *",
    replace: "WHERE ${is(key)} RETURNING *",
    tests: races
  },
  {
    name: "a client that had read the end is told it again by the next server",
    law: "S1x-02",
    file: stream,
    find: "if (seen === `${Attempt.prefixOf(record.attempts)}${record.last_event}`) {",
    replace: "if (seen === Attempt.prefixOf(record.attempts)) {",
    tests: http
  },
  {
    name: "HEAD starts a task",
    law: "S1x-05",
    file: stream,
    find: 'request.method === "HEAD"',
    replace: 'request.method === "TRACE"',
    tests: http
  },
  {
    name: "a crash leaves tasks running for ever",
    law: "S1x-02",
    file: store,
    find: "WHERE status = 'running' RETURNING *",
    replace: "WHERE status = 'nothing' RETURNING *",
    tests: http
  },
  {
    name: "a fetch that is cancelled does not say of which URL",
    law: "S1-34",
    file: `${home}/models/httpFetchTask.ts`,
    find: '{ message: "Fetch cancelled", url }',
    replace: '{ message: "Fetch cancelled" }',
    tests: fetching
  },
  {
    name: "defects are told to clients",
    law: "S1-09",
    file: events,
    find: "if (Option.isNone(error) || Cause.hasDies(cause)) return internalError",
    replace: 'if (Option.isNone(error)) return { message: String(Cause.squash(cause)), error_type: "Error" }',
    tests: cancellation
  },
  {
    name: "a task's own words are gone with the server that heard them",
    law: "S1-56",
    file: `${home}/store/rows.ts`,
    find: "[column, textOf(column, value)]))\n\n/** All",
    replace: '[column, column === "cancellation_details" ? null : textOf(column, value)]))\n\n/** All',
    tests: http
  },
  {
    name: "a database of an earlier version lacks the newer columns",
    law: "S1x-02",
    file: `${home}/store/schema.ts`,
    find: "for (const step of steps.slice(done))",
    replace: "for (const step of steps.slice(0, 2))",
    tests: http
  },
  {
    name: "a store that takes nothing any more holds the shutdown",
    law: "S1-60",
    file: coordinator,
    find: "Effect.timeoutOption(FiberSet.awaitEmpty(watchers), saveWithin)",
    replace: "FiberSet.awaitEmpty(watchers)",
    tests: shutdown
  },
  {
    name: "a retry waits for as long as the store refuses the end before it",
    law: "S1x-28",
    file: coordinator,
    find: "Effect.timeoutOption(attempt.saved.await, saveWithin)",
    replace: "Effect.timeoutOption(attempt.saved.await, maxRunTime)",
    tests: races
  },
  {
    name: "a service that shuts down takes new records",
    law: "S1x-24",
    file: coordinator,
    find: "if (yield* tasks.draining) return",
    replace: "if (draft.model === draft.app) return",
    tests: shutdown
  },
  {
    name: "any task may be told to continue",
    law: "S1x-40",
    file: coordinator,
    find: "?.continues !== true",
    replace: "?.continues === undefined",
    tests: http
  },
  {
    name: "what has ended may be told to continue",
    law: "S1x-40",
    file: coordinator,
    find: "return goesOn ? now :",
    replace: "return goesOn || isFinal(now.status) ? now :",
    tests: http
  },
  {
    name: "a list is cut before what is another's is left out",
    law: "S1x-40",
    file: store,
    find: "if (rows.length < limit ||",
    replace: "if (rows.length <= limit ||",
    tests: http
  },
  {
    name: "a client whose socket throws keeps the others from being told",
    law: "S1x-34",
    file: "src/http/internal/stream/logReader.ts",
    find: "      this.log.detach(this)\n      this.tell(broken)\n      return false\n",
    replace: '      throw new Error("The socket broke")\n',
    tests: races
  },
  {
    name: "guesses of tokens are not counted",
    law: "S1x-40",
    file: `${home}/http/RequestRate.ts`,
    find: "yield* count(address, 1)",
    replace: "yield* count(address, 0)",
    tests: http
  },
  {
    name: "callers behind one proxy share one limit",
    law: "S1x-40",
    file: `${home}/http/RequestRate.ts`,
    find: "yield* count(address, -1)",
    replace: "yield* count(address, 0)",
    tests: http
  }
]
