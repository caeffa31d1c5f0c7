/** How far the deliveries that wait for an endpoint are counted: beyond, nobody cares how many, and each request would count them anew. */
export const WAITING_MAX = 10_000;
