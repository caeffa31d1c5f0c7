# One image for every process of oncepay: `api`, `worker`, `sandbox`, `flutterwave`, `migrate`, `check`, `admin`. Settings: .env.example.
FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# The scripts of packages are not needed: nothing is downloaded, and PostgreSQL is another container.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN node scripts/build.mjs
# Optional too: the embedded PostgreSQL, and what else only a development machine needs (Prisma names its CLI and a compiler as optional peers).
# What sharp decodes with is optional as well, one package for each platform: that of this one is kept.
RUN cp -a node_modules/@img /tmp/@img \
  && npm prune --omit=dev --omit=optional --ignore-scripts \
  && rm -rf node_modules/@img && mv /tmp/@img node_modules/@img

FROM node:20-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 ONCEPAY_HOME=/var/lib/oncepay
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/prisma ./prisma
# Screenshots of payments are kept here, and mail while SMTP_URL is not set.
RUN install -d -o node -g node /var/lib/oncepay
USER node
# Ends in order on SIGTERM; a worker gives what it has in hand up to 10 seconds.
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "dist/src/cli.js"]
CMD ["help"]
