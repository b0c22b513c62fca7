"""The reviewer: a language model that is asked about a change, within what the policy allows."""
