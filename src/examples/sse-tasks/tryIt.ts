/** What the service prints when it is ready: lines to copy into another terminal, each of which works as it stands. */

const json = "-H 'content-type: application/json'"

/** `address` is a URL, or the path of a socket; `origin` the URL to fetch from. */
export const tryIt = (address: string, origin: string): string => {
  const socket = address.startsWith("http") ? "" : `--unix-socket ${address} `
  const url = socket === "" ? address : "http://localhost"
  const curl = (options: string, path: string, body?: string) =>
    `  curl ${socket}${options} ${url}${path}${body === undefined ? "" : ` ${json} -d '${body}'`}`
  return `
Rescind task service: ${socket === "" ? `${url}   (a page with three clients on one task)` : address}
Something to fetch from: ${origin}   (GET ${origin}/_ledger shows closed sockets)

Create a task, start it by following it, and cancel it meanwhile from another terminal:
${curl("-s", "/tasks", '{"app":"samples","model":"ExampleTask"}')}
${curl("-sN", "/stream/samples/ExampleTask/1")}
${curl("-s", "/cancel/samples/ExampleTask/1", '{"reason":"Seen enough"}')}

The same with a fetch, which closes its socket, and with one that waits for you:
${curl("-s", "/tasks", '{"app":"samples","model":"HttpFetchTask"}')}
${curl("-s", "/tasks", '{"app":"samples","model":"ContinueTask"}')}
${curl("-s", "/continue/samples/ContinueTask/3", "{}")}

What there is; how one stands; run it again; how the service does:
${curl("-s", "/tasks")}
${curl("-s", "/status/samples/ExampleTask/1")}
${curl("-s", "/retry/samples/ExampleTask/1", "{}")}
${curl("-s", "/health")}

Ctrl-C stops: tasks are cancelled and every client is told; again: at once.
`
}
