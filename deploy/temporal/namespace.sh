#!/bin/sh
# The namespace and what operators filter by (src/temporal/rules/searchAttributes.ts). Safe to run again.
set -eu
until temporal operator cluster health; do sleep 2; done
temporal operator namespace describe -n "$NAMESPACE" >/dev/null 2>&1 ||
  temporal operator namespace create -n "$NAMESPACE" --retention 72h
# A namespace that was just made is not known to every server at once.
until temporal operator search-attribute list -n "$NAMESPACE" >/dev/null 2>&1; do sleep 1; done
for attribute in MerchantId:Keyword PayoutStatus:Keyword PayoutKind:Keyword Currency:Keyword NeedsOperator:Bool AmountMinor:Int ResolutionState:Keyword; do
  temporal operator search-attribute create -n "$NAMESPACE" --name "${attribute%%:*}" --type "${attribute##*:}" ||
    temporal operator search-attribute list -n "$NAMESPACE" | grep -q "${attribute%%:*}"
done
