/**
 * What the example prints when it is ready: lines to copy into another terminal, each of which works as it stands.
 */

/** Addresses that mean this machine are shown as `localhost`. */
export const urlOf = (host: string, port: number): string => {
  const local = ["127.0.0.1", "::1", "0.0.0.0", "::"].includes(host)
  const name = local ? "localhost" : host.includes(":") ? `[${host}]` : host
  return `http://${name}:${port}`
}

const json = "-H 'content-type: application/json'"

const start = (url: string, name: string, id: string, payload: string): string =>
  `curl -s '${url}/tasks/${name}?id=${id}&replace=true' ${json} -d '${payload}'`

const follow = (url: string, id: string): string => `curl -sN ${url}/tasks/${id}/events`

const cancel = (url: string, id: string): string =>
  `curl -s ${url}/tasks/${id}/cancel ${json} -d '{"reason":{"by":"you","message":"Seen enough"}}'`

export const tryIt = (url: string, origin: string): string => `
Rescind example server: ${url}   (API documentation: ${url}/docs)
Something to fetch from: ${origin}   (slow, stalling and failing routes; GET ${origin}/_ledger shows closed sockets)

Fetch a page, follow it, and cancel it while it runs:
  ${start(url, "fetch-page", "page", "{}")}
  ${follow(url, "page")}
  ${cancel(url, "page")}

Race three mirrors of a file; the report names the losers:
  ${start(url, "race-mirrors", "race", "{}")}
  ${follow(url, "race")}

Gather pages for at most 2 seconds:
  ${start(url, "gather", "pages", `{"urls":["${origin}/page","${origin}/fail","${origin}/stall"],"within":"2 seconds"}`)}
  ${follow(url, "pages")}

Count down; cancel a task that does not want to stop:
  ${start(url, "countdown", "count", '{"from":5}')}
  ${follow(url, "count")}
  ${start(url, "stubborn", "mule", "{}")}
  ${cancel(url, "mule")}

What is there, and what runs now, as a tree:
  curl -s ${url}/tasks
  curl -s -H 'accept: text/plain' ${url}/tree

Ctrl-C stops: tasks are cancelled and every stream is told; again: at once.
`
