/** Breaks of event streams over HTTP (K11, K38, S1-02, S1-07, S1-12, S1x-02, S1x-11). */
import type { Mutant } from "../Mutant.ts"

const events = ["test/http/EventStream.test.ts"]
const slow = ["test/http/EventStream.slow.test.ts"]
const platforms = ["test/http/EventStream.platforms.test.ts"]
const recorded = ["test/http/internal/recording.test.ts"]
const fanOut = ["test/http/internal/stream/fanOut.test.ts"]
const node = "src/http/EventStream.ts"
const wire = "src/http/WireEvent.ts"
const route = "src/http/internal/eventsRoute.ts"
const followers = "src/http/internal/followers.ts"
const recording = "src/http/internal/recording.ts"
const log = "src/http/internal/stream/logNode.ts"
const reader = "src/http/internal/stream/logReader.ts"
const sending = "src/http/internal/stream/sending.ts"
const onNode = "src/http/internal/stream/onNode.ts"
const slot = "src/http/internal/stream/slotWriter.ts"
const writer = "src/http/internal/stream/nodeWriter.ts"
const streams = "src/http/OpenStreams.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a stream that another fiber takes from is cut where it is written only",
    law: "S1x-17",
    file: "src/http/internal/stream/openStream.ts",
    find: "writer.puller ?? fiber",
    replace: "fiber",
    tests: ["test/http/OpenStreams.fallback.test.ts"]
  },
  {
    name: "a client that leaves an upgrade that nobody took is not heard of",
    law: "K45",
    file: "src/http/internal/stream/onNode.ts",
    find: "if (node.req.headers.upgrade !== undefined) hearOfItsEnd(node)",
    replace: "",
    tests: ["test/http/faults.wire.test.ts"]
  },
  {
    name: "a client that has seen the end is not told to stop coming back",
    law: "S1x-02",
    file: node,
    find: "if (log.ended && asked >= log.last) return HttpServerResponse.empty({ status: 204 })\n",
    replace: "",
    tests: events
  },
  {
    name: "a client of an ended log that is ahead of it begins anew",
    law: "S1x-02",
    file: node,
    find: "log.ended && asked >= log.last",
    replace: "log.ended && asked === log.last",
    tests: events
  },
  {
    name: "the stream of an ended task begins anew",
    law: "K38",
    file: node,
    find: "const rest = log.after(cursor, Infinity).text",
    replace: "const rest = log.after(0, Infinity).text",
    tests: events
  },
  {
    name: "an id of another attempt hides events of this one",
    law: "K38",
    file: node,
    find: "const number = id.startsWith(prefix) ? id.slice(prefix.length) : id",
    replace: 'const number = id.slice(id.indexOf("-") + 1)',
    tests: events
  },
  {
    name: "an id that we never wrote counts",
    law: "K38",
    file: node,
    find: "/^\\d{1,15}$/.test(number) ? Number(number) : 0",
    replace: "Number.parseInt(number) || 0",
    tests: events
  },
  {
    name: "a client that is ahead of us sees nothing",
    law: "K38",
    file: node,
    find: "const cursor = asked > log.last ? 0 : asked",
    replace: "const cursor = asked",
    tests: events
  },
  {
    name: "a HEAD counts as a stream",
    law: "K11",
    file: node,
    find: '    if (request.method === "HEAD") return HttpServerResponse.stream(Stream.empty, { headers, contentType })\n',
    replace: "",
    tests: slow
  },
  {
    name: "a HEAD counts as a client that follows",
    law: "K11",
    file: route,
    find: ' && request.method !== "HEAD"',
    replace: "",
    tests: events
  },
  {
    name: "a stream is not open before the task says something",
    law: "S1-12",
    file: sending,
    find: "      writer.write(open)\n",
    replace: "",
    tests: events
  },
  {
    name: "a gap is not announced",
    law: "S1x-11",
    file: sending,
    find: "      writer.write(chunk)\n",
    replace: "",
    tests: slow
  },
  {
    name: "a gap is announced under the id of the event that follows",
    law: "S1x-04",
    file: sending,
    find: "id: ${log.prefix}${missed.to}\\n",
    replace: "id: ${log.prefix}${missed.to + 1}\\n",
    tests: slow
  },
  {
    name: "a gap of an ended task is not announced",
    law: "S1x-04",
    file: node,
    find: "return cursor + 1 >= first",
    replace: "return cursor >= 0",
    tests: slow
  },
  {
    name: "a slow client is never disconnected",
    law: "S1x-11",
    file: sending,
    find: 'const isSlow = end === "overrun" && ',
    replace: 'const isSlow = end === "broken" && ',
    tests: slow
  },
  {
    name: "a client that comes back late is taken for a slow one",
    law: "S1x-04",
    file: sending,
    find: " && reader.cursor > this.from",
    replace: "",
    tests: slow
  },
  {
    name: "a client that leaves stops the task unasked",
    law: "K11",
    file: route,
    find: 'onDisconnect === "cancel" && request',
    replace: "onDisconnect !== undefined && request",
    tests: events
  },
  {
    name: "the first client that leaves stops the task",
    law: "K11",
    file: followers,
    find: "followed.followers > 0 || followed.departures !== departure",
    replace: "followed.departures !== departure",
    tests: events
  },
  {
    name: "the last client that leaves stops nothing",
    law: "K11",
    file: followers,
    find: "Effect.void : Effect.asVoid(stop)",
    replace: "Effect.asVoid(stop) : Effect.void",
    tests: events
  },
  {
    name: "the task is not told that its client left",
    law: "K19",
    file: route,
    find: "reason: CancelReason.disconnect({ by: id })",
    replace: "reason: CancelReason.request({ by: id })",
    tests: events
  },
  {
    name: "who leaves has none of the definition's patience",
    law: "K12",
    file: route,
    find: "{ ...cancel, reason: CancelReason.disconnect({ by: id }) }",
    replace: "{ reason: CancelReason.disconnect({ by: id }) }",
    tests: events
  },
  {
    name: "a task does not wait for another client",
    law: "S1x-07",
    file: followers,
    find: "if (linger === undefined || followed.followers > 0) return",
    replace: "if (linger !== null || followed.followers > 0) return",
    tests: slow
  },
  {
    name: "a task that waits for another client stops though one came",
    law: "S1x-07",
    file: followers,
    find: "followed.followers > 0 || followed.departures !== departure",
    replace: "followed.departures < departure",
    tests: slow
  },
  {
    name: "a resync does not tell the state",
    law: "S1x-11",
    file: route,
    find: "return { ...stamp, task:",
    replace: "return { ...stamp, state:",
    tests: slow
  },
  {
    name: "an event has no attempt in its id",
    law: "K38",
    file: recording,
    find: "prefix: `${attempt}-`",
    replace: 'prefix: ""',
    tests: events
  },
  {
    name: "a stream goes on after the terminal event",
    law: "S1-02",
    file: recording,
    find: "isTerminal(event) ? EventLog.endUnsafe : EventLog.appendUnsafe",
    replace: "isTerminal(event) ? EventLog.appendUnsafe : EventLog.appendUnsafe",
    tests: events
  },
  {
    name: "what happened before anybody read is lost",
    law: "S1-02",
    file: recording,
    find: "    for (const event of this.unwritten) this.write(log, event)\n",
    replace: "",
    tests: [...events, ...recorded]
  },
  {
    name: "a detail that changes after the cancel is told as it is by then",
    law: "S1-02",
    file: recording,
    find: "      return event.reason.detail === undefined\n",
    replace: "      return true\n",
    tests: recorded
  },
  {
    name: "a partial result that changes after the end is told as it is by then",
    law: "S1-02",
    file: recording,
    find: 'event.reason.detail === undefined && !("partial" in event)',
    replace: "event.reason.detail === undefined",
    tests: recorded
  },
  {
    name: "a task keeps the default number of events whatever its definition says",
    law: "K38",
    file: recording,
    find: "      events: history,\n",
    replace: "",
    tests: slow
  },
  {
    name: "an event has no name",
    law: "S1-54",
    file: log,
    find: 'const name = event === undefined ? "" : `event: ${event}\\n`',
    replace: 'const name = ""',
    tests: events
  },
  {
    name: "text of a task breaks the lines of its stream",
    law: "S1-54",
    file: log,
    find: "data: ${JSON.stringify(data)}",
    replace: 'data: ${JSON.stringify(data).replaceAll("\\\\n", "\\n")}',
    tests: events
  },
  {
    name: "the newest event is dropped for its size",
    law: "S1-02",
    file: log,
    find: "const kept = Math.max(1, unsent)",
    replace: "const kept = unsent",
    tests: fanOut
  },
  {
    name: "what up-to-date clients get in the next turn is dropped",
    law: "K38",
    file: log,
    find: "const kept = Math.max(1, unsent)",
    replace: "const kept = 1",
    tests: fanOut
  },
  {
    name: "a log is not bounded by its events",
    law: "S1x-11",
    file: log,
    find: "texts.length - this.start > this.maxEvents || ",
    replace: "",
    tests: fanOut
  },
  {
    name: "a log is not bounded by its characters",
    law: "S1x-11",
    file: log,
    find: " || this.characters > this.maxCharacters",
    replace: "",
    tests: fanOut
  },
  {
    name: "events are written in the step that makes them",
    law: "K38",
    file: log,
    find: "this.dispatcher.scheduleTask(this.flush, 0)",
    replace: "this.flush()",
    tests: fanOut
  },
  {
    name: "a log without clients asks for turns",
    law: "K45",
    file: log,
    find: "if (this.scheduled || this.ring.after === this.ring) return",
    replace: "if (this.scheduled) return",
    tests: fanOut
  },
  {
    name: "a client that catches up is sent again what the others wait for",
    law: "K38",
    file: log,
    find: "    this.flush()\n    if (reader.cursor",
    replace: "    if (reader.cursor",
    tests: fanOut
  },
  {
    name: "a piece is taken for another",
    law: "K38",
    file: log,
    find: "piece?.from === cursor && (",
    replace: "piece !== undefined && (",
    tests: fanOut
  },
  {
    name: "a log takes events after its end",
    law: "S1-02",
    file: log,
    find: "    if (this.ended) return false\n",
    replace: "",
    tests: fanOut
  },
  {
    name: "a client whose socket is full is written to on and on",
    law: "S1x-11",
    file: reader,
    find: "    this.log.detach(this)\n    this.withdraw = ",
    replace: "    this.withdraw = ",
    tests: fanOut
  },
  {
    name: "a client that fell off the log is not told",
    law: "S1x-11",
    file: reader,
    find: "if (this.cursor + 1 < log.first) return this.tell(overrun)\n",
    replace: "",
    tests: fanOut
  },
  {
    name: "one socket that throws stops all",
    law: "S1x-12",
    file: reader,
    find: "      this.log.detach(this)\n      this.tell(broken)\n      return false\n",
    replace: '      throw new Error("torn")\n',
    tests: fanOut
  },
  {
    name: "a client that is up to date does not learn of the end",
    law: "S1-02",
    file: reader,
    find: "    this.log.detach(this)\n    this.tell(ended)\n",
    replace: "",
    tests: events
  },
  {
    name: "an old client is sent chunks",
    law: "S1-57",
    file: writer,
    find: "|| !response.chunkedEncoding ",
    replace: "",
    tests: slow
  },
  {
    name: "the answer to a pipelined request is written into the one before",
    law: "S1-57",
    file: writer,
    find: "if (socket === null || ",
    replace: "if (socket === undefined || ",
    tests: slow
  },
  {
    name: "a web stream waits for ever when its piece is taken at once",
    law: "K38",
    file: slot,
    find: "return this.slot.length === 0\n",
    replace: "return false\n",
    tests: platforms
  },
  {
    name: "as many streams as there are clients",
    law: "S1x-40",
    file: streams,
    find: "const full = of !== undefined && of.log.readers >= (of.maxReaders ?? Infinity)",
    replace: "const full = false",
    tests: slow
  },
  {
    name: "as many streams in all as there are clients",
    law: "S1x-40",
    file: streams,
    find: "if (full || streams.size >= maxStreams) {",
    replace: "if (full) {",
    tests: slow
  },
  {
    name: "a quiet stream never says that it lives",
    law: "S1-12",
    file: streams,
    find: "for (const stream of streams) stream.ping(ping)",
    replace: "for (const stream of streams) void stream",
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
  },
  {
    name: "what a middleware put in place of a stream is not sent",
    law: "D8",
    file: onNode,
    find: "final.body === body && ",
    replace: "",
    tests: platforms
  },
  {
    name: "the cookies of a middleware are not sent",
    law: "D8",
    file: onNode,
    find: " && Cookies.isEmpty(cookies)",
    replace: "",
    tests: platforms
  },
  {
    name: "the headers of a middleware are not sent",
    law: "D8",
    file: onNode,
    find: "node.writeHead(status, headers)",
    replace: 'node.writeHead(status, { "content-type": headers["content-type"] })',
    tests: platforms
  },
  {
    name: "a stream that is cut looks as if it had ended",
    law: "S1-60",
    file: onNode,
    find: "else node.destroy()",
    replace: "else node.end()",
    tests: ["test/http/Drain.test.ts"]
  },
  {
    name: "a client that leaves is written to on and on",
    law: "K45",
    file: onNode,
    find: "    Effect.interruptible,\n",
    replace: "",
    tests: events
  }
]
