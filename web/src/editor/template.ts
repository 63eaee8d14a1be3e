// Where the text of a new rule begins.

/** A rule that is complete and finds little: every key that most rules need, with a word about it. */
export function newRule(id: string): string {
  return `[rule]
rule_id = "${id}"
name = "A name for people"
description = "What it finds, and why that matters."
type = "query"                    # query, new_terms, threshold
language = "kuery"
index = ["logs-azure.activitylogs-*"]
query = '''
data_stream.dataset:azure.activitylogs and
    event.action:"MICROSOFT.COMPUTE/VIRTUALMACHINES/DEALLOCATE/ACTION" and
    event.outcome:(success or Success)
'''

# Every 5 minutes over the last 9: what comes late is found too, and nothing twice.
interval = "5m"
from = "now-9m"
timestamp_override = "event.ingested"

severity = "low"                  # low, medium, high, critical
risk_score = 21                   # 0 to 100
author = []
tags = []
false_positives = []
references = []

# What to look at first: shown with each alert. Markdown.
note = '''
## Is it work or not

- Who did it, from where, and was it announced?
'''

[rule.investigation_fields]
field_names = ["@timestamp", "event.outcome", "azure.activitylogs.operation_name", "azure.resource.id", "source.ip"]
`;
}

/** The text of a rule under another id and name. */
export function copyOf(source: string, id: string): string {
  const named = source.replace(/^([ \t]*(?:rule\.)?name[ \t]*=[ \t]*)("(?:[^"\\\n]|\\.)*"|'[^'\n]*')/m, (_all, key: string, name: string) => `${key}${name.slice(0, -1)} (copy)${name.at(-1) ?? ""}`);
  return named.replace(/^([ \t]*(?:rule\.)?rule_id[ \t]*=[ \t]*)("[^"\n]*"|'[^'\n]*')/m, (_all, key: string) => `${key}"${id}"`);
}
