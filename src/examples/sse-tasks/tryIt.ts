/** What the service prints when it is ready: lines to copy into another terminal, each of which works as it stands. */

const json = "-H 'content-type: application/json'"

export interface Ready {
  /** A URL, or the path of a socket. */
  readonly address: string
  /** The URL to fetch from. */
  readonly origin: string
  readonly database: string
  /** The number that the next task gets. */
  readonly next: number
  /** Whether callers need a token. */
  readonly secured: boolean
}

export const tryIt = ({ address, database, next, origin, secured }: Ready): string => {
  const socket = address.startsWith("http") ? "" : `--unix-socket '${address}' `
  const token = secured ? `-H "authorization: Bearer $TOKEN" ` : ""
  const url = socket === "" ? address : "http://localhost"
  const curl = (options: string, path: string, body?: string) =>
    `  curl ${socket}${token}${options} ${url}${path}${body === undefined ? "" : ` ${json} -d '${body}'`}`
  return `
Rescind task service: ${socket === "" ? `${url}   (a page with three clients on one task)` : address}
Something to fetch from: ${origin}   (GET ${origin}/_ledger shows closed sockets)
Records: ${database === ":memory:" ? "in memory, gone with this process" : database}
${secured ? "\nWith the token of a caller of TASK_TOKENS in another terminal: TOKEN=…\n" : ""}
Create a task, start it by following it, and cancel it meanwhile from another terminal:
${curl("-s", "/tasks", '{"app":"samples","model":"ExampleTask"}')}
${curl("-sN", `/stream/samples/ExampleTask/${next}`)}
${curl("-s", `/cancel/samples/ExampleTask/${next}`, '{"reason":"Seen enough"}')}

The same with a fetch, which closes its socket, and with one that waits for you:
${curl("-s", "/tasks", '{"app":"samples","model":"HttpFetchTask"}')}
${curl("-sN", `/stream/samples/HttpFetchTask/${next + 1}`)}
${curl("-s", "/tasks", '{"app":"samples","model":"ContinueTask"}')}
${curl("-sN", `/stream/samples/ContinueTask/${next + 2}`)}
${curl("-s", `/continue/samples/ContinueTask/${next + 2}`, "{}")}

What there is; how one stands; run it again; how the service does:
${curl("-s", "/tasks")}
${curl("-s", `/status/samples/ExampleTask/${next}`)}
${curl("-s", `/retry/samples/ExampleTask/${next}`, "{}")}
${curl("-s", "/health")}

Ctrl-C stops: tasks are cancelled and every client is told; again: at once.
`
}
