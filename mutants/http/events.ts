/** Breaks of event streams over HTTP (K11, K38, S1-02, S1-07, S1-12, S1x-02). */
import type { Mutant } from "../Mutant.ts"

const events = ["test/http/EventStream.test.ts"]
const node = "src/http/EventStream.ts"
const wire = "src/http/WireEvent.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a client that has seen the end is not told to stop coming back",
    law: "S1x-02",
    file: node,
    find: "if (kept.length === 0) return HttpServerResponse.empty({ status: 204 })\n",
    replace: "",
    tests: events
  },
  {
    name: "the stream of an ended task begins anew",
    law: "K38",
    file: node,
    find: "events(id, { after: cursor })",
    replace: "events(id, { after: 0 })",
    tests: events
  },
  {
    name: "an id of another attempt hides events of this one",
    law: "K38",
    file: node,
    find: "(match[1] !== undefined && Number(match[1]) !== attempt) ? 0",
    replace: "(match[1] !== undefined && Number(match[1]) < 0) ? 0",
    tests: events
  },
  {
    name: "an id that we never wrote counts",
    law: "K38",
    file: node,
    find: "/^(?:(\\d{1,15})-)?(\\d{1,15})$/",
    replace: "/^(?:(\\d{1,15})-)?(\\d{1,15})/",
    tests: events
  },
  {
    name: "a client that comes back reads everything again",
    law: "K38",
    file: node,
    find: "[0, known === 0 ? events : events.filter((event) => event.seq > known)]",
    replace: "[0, events]",
    tests: events
  },
  {
    name: "a client that comes back misses the event after the one that it saw",
    law: "K38",
    file: node,
    find: "events.filter((event) => event.seq > known)",
    replace: "events.filter((event) => event.seq > known + 1)",
    tests: events
  },
  {
    name: "a client that comes back reads the last event twice",
    law: "K38",
    file: node,
    find: "events.filter((event) => event.seq > known)",
    replace: "events.filter((event) => event.seq >= known)",
    tests: events
  },
  {
    name: "a client that is ahead of us sees nothing",
    law: "K38",
    file: node,
    find: "cursor > events[events.length - 1]!.seq ? 0 : cursor",
    replace: "cursor",
    tests: events
  },
  {
    name: "later events are filtered by where the client began",
    law: "K38",
    file: node,
    find: "return [0, known === 0",
    replace: "return [cursor, known === 0",
    tests: events
  },
  {
    name: "a HEAD counts as a client that follows",
    law: "K11",
    file: node,
    find: 'if (request.method !== "HEAD") yield* follow',
    replace: "yield* follow",
    tests: events
  },
  {
    name: "a client that leaves stops the task unasked",
    law: "K11",
    file: node,
    find: 'return onDisconnect === "keep" || served.followers > 0',
    replace: "return served.followers > 0",
    tests: events
  },
  {
    name: "the first client that leaves stops the task",
    law: "K11",
    file: node,
    find: 'return onDisconnect === "keep" || served.followers > 0',
    replace: 'return onDisconnect === "keep"',
    tests: events
  },
  {
    name: "the last client that leaves stops nothing",
    law: "K11",
    file: node,
    find: 'return onDisconnect === "keep" || served.followers > 0',
    replace: "return true",
    tests: events
  },
  {
    name: "a client that left is still counted",
    law: "K11",
    file: node,
    find: "served.followers--\n",
    replace: "",
    tests: events
  },
  {
    name: "the task is not told that its client left",
    law: "K19",
    file: node,
    find: "reason: CancelReason.disconnect()",
    replace: "reason: CancelReason.request()",
    tests: events
  },
  {
    name: "who leaves has none of the definition's patience",
    law: "K12",
    file: node,
    find: "{ ...cancel, reason: CancelReason.disconnect() }",
    replace: "{ reason: CancelReason.disconnect() }",
    tests: events
  },
  {
    name: "a stream is not open before the task says something",
    law: "S1-12",
    file: node,
    find: '(events) => Stream.concat(Stream.succeed(": open\\n\\n"), events),',
    replace: "",
    tests: events
  },
  {
    name: "a quiet stream never says that it lives",
    law: "S1-12",
    file: node,
    find: 'Stream.drop(Stream.as(Stream.tick(heartbeat), ": ping\\n\\n"), 1)',
    replace: "Stream.never",
    tests: events
  },
  {
    name: "a stream says at once that it lives",
    law: "S1-12",
    file: node,
    find: 'Stream.drop(Stream.as(Stream.tick(heartbeat), ": ping\\n\\n"), 1)',
    replace: 'Stream.as(Stream.tick(heartbeat), ": ping\\n\\n")',
    tests: events
  },
  {
    name: "a stream goes on after the terminal event",
    law: "S1-02",
    file: node,
    find: '{ haltStrategy: "left" }',
    replace: '{ haltStrategy: "both" }',
    tests: events
  },
  {
    name: "an event stream may be cached",
    law: "S1-12",
    file: node,
    find: '"cache-control": "no-store", ',
    replace: "",
    tests: events
  },
  {
    name: "an event stream may be buffered by a proxy",
    law: "S1-12",
    file: node,
    find: ', "x-accel-buffering": "no"',
    replace: "",
    tests: events
  },
  {
    name: "an unknown task has an empty stream",
    law: "S1-06",
    file: node,
    find: "if (Option.isNone(found)) return yield* Effect.fail(taskNotFound(id))",
    replace: "if (Option.isNone(found)) return HttpServerResponse.empty({ status: 204 })",
    tests: events
  },
  {
    name: "an event has no attempt in its id",
    law: "K38",
    file: wire,
    find: "id: ${attempt}-${seq}",
    replace: "id: ${seq}",
    tests: events
  },
  {
    name: "an event has the name of its tag",
    law: "S1-54",
    file: wire,
    find: "event: ${names[event._tag]}",
    replace: "event: ${event._tag}",
    tests: events
  },
  {
    name: "text of a task breaks the lines of its stream",
    law: "S1-54",
    file: wire,
    find: "JSON.stringify(data)",
    replace: 'JSON.stringify(data).replaceAll("\\\\n", "\\n")',
    tests: events
  },
  {
    name: "the terminal event does not tell how many clean-ups failed",
    law: "K16",
    file: wire,
    find: "cleanupFailures: event.cleanupFailures.length",
    replace: "cleanupFailures: 0",
    tests: events
  },
  {
    name: "the terminal event does not say why",
    law: "K19 S1-07",
    file: wire,
    find: '...("reason" in outcome ? reasonOf(outcome.reason) : {}),',
    replace: "",
    tests: events
  },
  {
    name: "an event does not say who asked",
    law: "K19",
    file: wire,
    find: "...(by === undefined ? {} : { by }),",
    replace: "",
    tests: events
  },
  {
    name: "an event does not tell the detail of the reason",
    law: "K19",
    file: wire,
    find: "...(detail === undefined ? {} : { detail })",
    replace: "",
    tests: events
  },
  {
    name: "an event does not say which scope was cancelled",
    law: "K19",
    file: wire,
    find: "  scope,\n  ...(detail",
    replace: '  scope: "",\n  ...(detail',
    tests: events
  },
  {
    name: "a straggling task is told as cancelled only",
    law: "K12",
    file: wire,
    find: 'Straggling: "straggling"',
    replace: 'Straggling: "cancelled"',
    tests: events
  }
]
