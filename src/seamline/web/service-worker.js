/** Keeps the files of the page, so that it works without a network; a new version of the page gets a cache of its own. */

const VERSION = "{{ version }}";
const FILES = {{ files }};
const PREFIX = `seamline ${new URL(registration.scope).pathname} `; // other pages of the same server have caches too
const CACHE = PREFIX + VERSION;

/** Files are checked with the server, so that a new version never gets parts of an old one from the browser's own cache. */
const load = (path) => new Request(new URL(path, registration.scope), { cache: "no-cache" });

oninstall = (event) => event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES.map(load))));

async function removeOldCaches() {
  const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  await Promise.all(names.map((name) => caches.delete(name)));
  await clients.claim();
}

onactivate = (event) => event.waitUntil(removeOldCaches());

/** Answer with the kept file; what is not kept, as the runtime for GPUs, is kept once it has been loaded. */
async function answer(request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request, { ignoreSearch: true });
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok) await cache.put(request, response.clone());
  return response;
}

onfetch = (event) => {
  if (event.request.method === "GET" && event.request.url.startsWith(registration.scope)) event.respondWith(answer(event.request));
};
