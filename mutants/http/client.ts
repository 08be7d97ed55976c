/** Breaks of the client: what a network does to starts and watches, and what an interrupt leaves behind. */
import type { Mutant } from "../Mutant.ts"

const start = ["test/http/internal/client/starting.test.ts"]
const watch = ["test/http/internal/client/following.test.ts"]
const client = ["test/http/TaskClient.test.ts"]
const starting = "src/http/internal/client/starting.ts"
const following = "src/http/internal/client/following.ts"
const retrying = "src/http/internal/client/retrying.ts"
const sse = "src/http/internal/client/sseEvents.ts"
const decoder = "src/http/internal/client/eventDecoder.ts"
const place = "src/http/internal/client/place.ts"
const cancelling = "src/http/internal/client/cancelling.ts"
const caller = "src/http/internal/client/client.ts"
const wire = "src/http/internal/client/wire.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a start can be interrupted between its request and its answer",
    law: "K1",
    file: starting,
    find: "Shield.run(this.call, sent, { budget: this.wire.cancelWithin })",
    replace: "sent",
    tests: start
  },
  {
    name: "a start that no server answers holds up its interrupt for ever",
    law: "K13",
    file: starting,
    find: "Shield.run(this.call, sent, { budget: this.wire.cancelWithin })",
    replace: "Shield.run(this.call, sent)",
    tests: start
  },
  {
    name: "a start whose answer is lost is forgotten",
    law: "K1",
    file: starting,
    find: "if (this.attempt === undefined && !this.lost) return Effect.void",
    replace: "if (this.attempt === undefined) return Effect.void",
    tests: start
  },
  {
    name: "a start that was refused is cancelled all the same",
    law: "K11",
    file: starting,
    find: "          this.lost = again\n",
    replace: "",
    tests: start
  },
  {
    name: "a task of somebody else is taken for ours",
    law: "K37",
    file: starting,
    find: "if (this.wanted.id !== undefined && !Equal.equals(view.payload, this.wanted.payload)) return false\n",
    replace: "",
    tests: start
  },
  {
    name: "a replacement runs twice after a lost answer",
    law: "K37",
    file: starting,
    find: "if (again && replace && (yield* this.recognise)) return this.attempt!\n",
    replace: "",
    tests: start
  },
  {
    name: "the run that is to be replaced is taken for the new one",
    law: "K37",
    file: starting,
    find: "this.wanted.replace ? this.lookBefore : Effect.void",
    replace: "Effect.void",
    tests: start
  },
  {
    name: "a task that is found running after a lost answer is a refusal",
    law: "K37",
    file: starting,
    find: "return again && isTaken(error)",
    replace: "return (false as boolean) && isTaken(error)",
    tests: start
  },
  {
    name: "the word of a proxy is taken for that of the server",
    law: "K1",
    file: starting,
    find: "error.code !== undefined || (error.status >= 400 && error.status < 500 && error.status !== 408)",
    replace: "true as boolean",
    tests: start
  },
  {
    name: "the clean-up of a call waits for a server for ever",
    law: "K13",
    file: starting,
    find: "duration: cancelWithin,",
    replace: 'duration: "Infinity",',
    tests: start
  },
  {
    name: "a cancel that failed in clean-up is not logged",
    law: "K16",
    file: starting,
    find: "return Effect.logWarning(",
    replace: "return Effect.logTrace(",
    tests: start
  },
  {
    name: "the deadline of the caller stays behind",
    law: "K33",
    file: starting,
    find: "      headers: header,\n",
    replace: "",
    tests: start
  },
  {
    name: "a run that is interrupted leaves its task",
    law: "K1",
    file: caller,
    find: 'exit._tag === "Success" ||',
    replace: 'exit._tag === "Success" || starting.isStarted ||',
    tests: start
  },
  {
    name: "a run that is detached takes its task along",
    law: "K11",
    file: caller,
    find: '(options?.onInterrupt === "detach" && starting.isStarted) || ',
    replace: "",
    tests: start
  },
  {
    name: "a task that another run has replaced is cancelled",
    law: "K11",
    file: caller,
    find: " || isGone(exit.cause)",
    replace: "",
    tests: start
  },
  {
    name: "the task is not told why its caller left",
    law: "K19",
    file: caller,
    find: "    CancelReason.current,\n    Option.getOrElse(",
    replace: "    Effect.succeed(Option.none<CancelReason.CancelReason>()),\n    Option.getOrElse(",
    tests: start
  },
  {
    name: "the patience of a run is dropped",
    law: "K12",
    file: caller,
    find: "{ grace: options?.grace, giveUp: options?.giveUp }",
    replace: "undefined",
    tests: start
  },
  {
    name: "a refusal that may pass is final",
    law: "D8",
    file: retrying,
    find: 'if (error._tag === "RequestRefused") return passing.has(error.status)',
    replace: 'if (error._tag === "RequestRefused") return false',
    tests: start
  },
  {
    name: "every refusal is tried again",
    law: "D8",
    file: retrying,
    find: 'if (error._tag === "RequestRefused") return passing.has(error.status)',
    replace: 'if (error._tag === "RequestRefused") return true',
    tests: start
  },
  {
    name: "Retry-After is not heeded",
    law: "D8",
    file: retrying,
    find: "? Duration.max(delay, error.retryAfter)",
    replace: "? delay",
    tests: start
  },
  {
    name: "an instant in Retry-After is not read",
    law: "D8",
    file: wire,
    find: "return Option.isNone(instant) ?",
    replace: "return (true as boolean) || Option.isNone(instant) ?",
    tests: start
  },
  {
    name: "what cannot be sent is tried again",
    law: "D8",
    file: retrying,
    find: '"ServerUnreachable" && !isUnsendable(error.cause)',
    replace: '"ServerUnreachable"',
    tests: start
  },
  {
    name: "a connection that lived well does not begin the schedule anew",
    law: "S1-12",
    file: following,
    find: "this.closed - this.opened >= steadyMillis",
    replace: "false",
    tests: watch
  },
  {
    name: "a torn stream begins from the start",
    law: "S1-12",
    file: following,
    find: 'lastEventId === undefined ? {} : { "last-event-id": lastEventId }',
    replace: "{}",
    tests: watch
  },
  {
    name: "a stream that ends early has ended",
    law: "K38",
    file: following,
    find: "this.place.ended ? Stream.empty :",
    replace: "(true as boolean) ? Stream.empty :",
    tests: watch
  },
  {
    name: "a silent server is waited for",
    law: "S1-12",
    file: sse,
    find: "duration: silence(),",
    replace: 'duration: "Infinity",',
    tests: watch
  },
  {
    name: "events that come twice are told twice",
    law: "K38",
    file: following,
    find: 'if (verdict === "seen") return Effect.succeed([])\n',
    replace: "",
    tests: watch
  },
  {
    name: "a gap is passed over in silence",
    law: "K38",
    file: following,
    find: 'return verdict === "next" ? [event]',
    replace: 'return (true as boolean) || verdict === "next" ? [event]',
    tests: watch
  },
  {
    name: "an event of a newer server ends the watch",
    law: "S1-54",
    file: following,
    find: "if (decode === undefined) return Effect.succeed([])\n",
    replace: 'if (decode === undefined) return Effect.fail(this.torn("what is this?"))\n',
    tests: watch
  },
  {
    name: "an event of a newer server leaves a gap",
    law: "K38",
    file: following,
    find: "    place.moveTo(attempt, seq, at)\n    const decode = this.followed.decoder.events.get(sent.event)\n",
    replace:
      "    const decode = this.followed.decoder.events.get(sent.event)\n    if (decode !== undefined) place.moveTo(attempt, seq, at)\n",
    tests: watch
  },
  {
    name: "a task that is not known is asked for again and again",
    law: "S1-06",
    file: following,
    find: '(error) => error._tag === "RequestRefused" && error.code === "task-not-found"',
    replace: "() => false",
    tests: watch
  },
  {
    name: "204 is the end without an end",
    law: "S1-12",
    file: following,
    find: "if (response.status === 204) return Stream.fromEffect(this.end)",
    replace:
      "if (response.status === 204) return Stream.onEnd(Stream.empty, Effect.sync(() => (this.place.ended = true)))",
    tests: watch
  },
  {
    name: "events have no bound",
    law: "D8",
    file: sse,
    find: ", { maxEventSize })",
    replace: ", {})",
    tests: watch
  },
  {
    name: "another attempt is the same run",
    law: "K37",
    file: place,
    find: 'if (this.attempt !== undefined && this.attempt !== attempt) return "other-run"\n',
    replace: "",
    tests: watch
  },
  {
    name: "a run that began at another time is the same run",
    law: "K37",
    file: place,
    find: "mark.at !== at ?",
    replace: "(false as boolean) ?",
    tests: watch
  },
  {
    name: "a defect of a task is decoded as its error",
    law: "K21",
    file: decoder,
    find: "Equal.equals(said, PublicOutcome.internalError)",
    replace: "(false as boolean)",
    tests: client
  },
  {
    name: "a source that this version does not know is no reason",
    law: "K21",
    file: decoder,
    find: "  reason: Schema.String,\n",
    replace: "  reason: CancelReason.Source,\n",
    tests: watch
  },
  {
    name: "the reason of a cancel is dated with its end",
    law: "K21",
    file: decoder,
    find: "DateTime.subtractDuration(data.at, data.tookMillis)",
    replace: "data.at",
    tests: client
  },
  {
    name: "a cancel of nobody is a failure",
    law: "K37",
    file: cancelling,
    find: '(error): error is RequestRefused => error._tag === "RequestRefused" && error.code === "task-not-found"',
    replace: "(error): error is RequestRefused => false as boolean",
    tests: client
  },
  {
    name: "an id leads out of its path",
    law: "D8",
    file: cancelling,
    find: "if (!isPossibleId(id)) return Effect.succeed(notFound(id))\n",
    replace: "",
    tests: client
  }
]
