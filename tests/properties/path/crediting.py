"""Pooled grams become credits: frozen, reported, verified, issued, each step by somebody who may take it or may not."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import cast

from hypothesis import strategies
from hypothesis.stateful import precondition, rule

from backend import certification
from backend.certification import Assurance, FindingReason
from tests.properties.path.founding import BIKE, OPERATOR, PROJECT
from tests.properties.path.model import GRAMS_PER_TONNE, ORIGIN, Act, Batch
from tests.properties.path.stage import DONE, Stage, one_of, picks

OPERATORS, AUTHORITY, VERIFIERS = ("anna", "boris"), ("first", "second"), ("vera",)
PERIODS = (("2025-01", "2025-02"), ("2025-01", "2025-01"), ("2025-02", "2025-02"), ("2025-02", "2025-01"))
anybody = strategies.sampled_from(["anna", "boris", "first", "second", "vera"])
_DEMANDED = {"deduction_basis": "sample", "assurance": Assurance.REASONABLE, "materiality_percent": "5"}


class Crediting(Stage):
    @property
    def batch(self) -> Batch:
        return self.model.batches[-1]

    @property
    def has_batch(self) -> bool:
        return bool(self.model.batches)

    @property
    def frozen(self) -> bool:
        """True while the last batch is on its way."""
        return self.has_batch and not self.batch.issued

    @rule(deducted=strategies.booleans())
    def certification_goes_on(self, deducted: bool) -> None:
        """The next step, by whoever may take it."""
        if not self.frozen:
            self.close(PERIODS[0], "anna")
        elif not self.batch.certified:
            if act := self.waiting(self.batch.report_acts):
                self.certify_report(0, next(who for who in OPERATORS if who != act.by))
            else:
                self.propose_report("anna")
        elif not self.batch.assigned:
            self.assign("verifier", "first")
        elif not self.batch.sampled:
            self.sample("vera")
        elif not self.batch.revision:
            self.state(self.batch.keeps_g // 50 if deducted else 0, "vera")
        elif (act := self.waiting(self.batch.issuance_acts)) and act.revision == self.batch.revision:
            self.approve_issuance(0, next(who for who in AUTHORITY if who != act.by))
        else:
            self.propose_issuance("first")

    def waiting(self, acts: list[Act]) -> Act | None:
        """The newest act, unless its time is over."""
        return acts[-1] if acts and acts[-1].expires_at > self.model.now else None

    @precondition(lambda self: self.frozen or any(self.model.pools.values()))
    @rule(months=strategies.sampled_from(PERIODS), by=anybody)
    def close(self, months: tuple[str, str], by: str) -> None:
        model = self.model
        first, last = months
        frozen = [month for month in sorted(model.pools) if first <= month <= last]
        grams = [amount for month in frozen for amount in model.pools[month]]
        expected = DONE
        if first > last:
            expected = "certification.period_invalid"
        elif by not in OPERATORS:
            expected = "certification.not_the_operator"
        elif self.frozen:
            expected = "certification.batch_open"
        elif not grams:
            expected = "certification.nothing_to_freeze"
        answer = self.ask(
            certification.close_period, self.settings.keys, project=PROJECT, methodology=BIKE,
            first_month=dt.date.fromisoformat(f"{first}-01"), last_month=dt.date.fromisoformat(f"{last}-01"),
            benefit_split="notice 1", benefit_split_published_on=dt.date(2025, 1, 5), closed_by=self.person(by),
        )  # fmt: skip
        if self.agrees(answer, expected):
            made = answer.value
            batch = Batch(made.id, Counter(grams), model.carry_g)
            told = (made.acts, made.frozen_g, made.carry_in_g, made.sequence)
            self.is_so(told == (len(grams), sum(grams), model.carry_g, len(model.batches) + 1), told)
            model.carry_g = 0
            for month in frozen:
                model.pools[month] = []
            model.batches.append(batch)

    @precondition(lambda self: self.has_batch)
    @rule(by=anybody)
    def propose_report(self, by: str) -> None:
        expected = DONE
        if by not in OPERATORS:
            expected = "certification.not_the_operator"
        elif self.batch.certified:
            expected = "certification.report_certified_already"
        answer = self.ask(certification.propose_report, batch_id=self.batch.id, proposed_by=self.person(by))
        if self.agrees(answer, expected):
            self.batch.report_acts.append(self.proposed(answer, by))

    @precondition(lambda self: self.has_batch and self.batch.report_acts)
    @rule(pick=picks, by=anybody)
    def certify_report(self, pick: int, by: str) -> None:
        """Also by the person who proposed it, a second time, too late, or by somebody else."""
        act = one_of(self.batch.report_acts, pick)
        expected = "certification.not_the_operator"
        if by in OPERATORS:
            expected = self.decision(act, by, OPERATORS)
            if expected == DONE and self.batch.certified:
                expected = "certification.report_certified_already"
        answer = self.ask(
            certification.certify_report, batch_id=self.batch.id, act_id=act.id,
            approved_by=self.person(by), subject_sha256=act.shown,
        )  # fmt: skip
        if self.agrees(answer, expected):
            act.decided = self.batch.certified = True

    @precondition(lambda self: self.has_batch)
    @rule(body=strategies.sampled_from(["verifier", OPERATOR, "steel"]), by=anybody)
    def assign(self, body: str, by: str) -> None:
        expected = DONE
        if by not in AUTHORITY:
            expected = "certification.not_independent"
        elif body != "verifier":
            expected = "certification.body_unsuitable"
        elif self.batch.sampled or self.batch.found or self.batch.revision:
            expected = "certification.verification_begun"
        answer = self.ask(
            certification.assign_body, batch_id=self.batch.id, organisation_code=body,
            assigned_by=self.person(by),
        )  # fmt: skip
        if self.agrees(answer, expected):
            self.batch.assigned = True

    def verifying(self, by: str) -> str:
        """What anybody is told who wants to verify."""
        if by not in VERIFIERS or not self.batch.assigned:
            return "certification.batch_unknown"
        return "certification.issued_already" if self.batch.issued else DONE

    @precondition(lambda self: self.has_batch)
    @rule(by=anybody)
    def sample(self, by: str) -> None:
        answer = self.ask(
            certification.draw_sample, batch_id=self.batch.id, draws=3, drawn_by=self.person(by)
        )
        if self.agrees(answer, self.verifying(by)):
            self.batch.sampled = True

    @precondition(lambda self: self.frozen and self.batch.assigned)
    @rule(place=strategies.integers(0, 300), keeps=strategies.sampled_from(["none", "half", "all", "more"]))
    def find(self, place: int, keeps: str) -> None:
        """An act keeps none of its grams, half of them, all; more than all, or an act that is not there: refused."""
        batch = self.batch
        there = place < batch.acts.total()
        grams = (
            self.ask(certification.evidence, batch_id=batch.id, position=place).value.frozen_g if there else 9
        )
        if there and place not in batch.found:
            others = Counter(frozen for frozen, _ in batch.found.values())
            self.is_so(batch.acts[grams] > others[grams], grams, batch.found)
        kept = {"none": 0, "half": grams // 2, "all": grams, "more": grams + 1}[keeps]
        expected = self.verifying("vera")
        if expected == DONE and not there:
            expected = "certification.act_not_in_batch"
        elif expected == DONE and kept > grams:
            expected = "certification.keeps_too_much"
        answer = self.ask(
            certification.record_finding, batch_id=batch.id, position=place, keeps_g=kept,
            reason=FindingReason.CONFIRMED if kept == grams else FindingReason.OVERSTATED,
            remark="the record says otherwise", found_by=self.person("vera"),
        )  # fmt: skip
        if self.agrees(answer, expected):
            batch.found[place] = (grams, kept)

    @precondition(lambda self: self.frozen)
    @rule(deduction_g=strategies.sampled_from([0, 1, 4_321, 250_000, 10**10]), by=anybody)
    def state(self, deduction_g: int, by: str) -> None:
        """A first statement, or one that supersedes it."""
        batch = self.batch
        expected = self.verifying(by)
        if expected == DONE and not batch.certified:
            expected = "certification.report_not_certified"
        elif expected == DONE and not batch.sampled:
            expected = "certification.sample_missing"
        elif expected == DONE and deduction_g > batch.keeps_g:
            expected = "certification.deduction_exceeds_verified"
        answer = self.ask(
            certification.issue_statement, batch_id=batch.id, deduction_g=deduction_g,
            issued_by=self.person(by), **_DEMANDED,
        )  # fmt: skip
        if self.agrees(answer, expected):
            batch.revision += 1
            batch.rejected_g, batch.deducted_g = batch.frozen_g - batch.keeps_g, deduction_g
            told = answer.value
            self.is_so(
                (told.revision, told.certified_g, told.rejected_g)
                == (batch.revision, batch.certified_g, batch.rejected_g),
                told,
            )

    def deciding(self, by: str) -> str:
        """What anybody is told who wants the batch issued."""
        batch = self.batch
        if by in OPERATORS or (by in VERIFIERS and batch.assigned):
            return "certification.not_independent"
        if batch.issued:
            return "certification.issued_already"
        if not batch.certified:
            return "certification.report_not_certified"
        return DONE if batch.revision else "certification.statement_missing"

    @precondition(lambda self: self.has_batch)
    @rule(by=anybody)
    def propose_issuance(self, by: str) -> None:
        answer = self.ask(certification.propose_issuance, batch_id=self.batch.id, proposed_by=self.person(by))
        if self.agrees(answer, self.deciding(by)):
            self.batch.issuance_acts.append(self.proposed(answer, by, revision=self.batch.revision))

    @precondition(lambda self: self.has_batch and self.batch.issuance_acts)
    @rule(pick=picks, by=anybody)
    def approve_issuance(self, pick: int, by: str) -> None:
        """Also by whoever may not, by whoever proposed, or to a statement that stands no longer."""
        batch = self.batch
        act = one_of(batch.issuance_acts, pick)
        expected = self.deciding(by)
        if expected in {DONE, "certification.issued_already"}:
            persons = self.decision(act, by, AUTHORITY)
            expected = persons if persons != DONE else expected
        if expected == DONE and act.revision != batch.revision:
            expected = "certification.statement_superseded"
        answer = self.ask(
            certification.approve_issuance, batch_id=batch.id, act_id=act.id, approved_by=self.person(by),
            subject_sha256=act.shown,
        )  # fmt: skip
        if self.agrees(answer, expected):
            act.decided = batch.issued = True
            self.issue(batch, cast("certification.Issuance", answer.value))

    @precondition(lambda self: self.frozen and self.waiting(self.batch.issuance_acts))
    @rule(deduction_g=strategies.sampled_from([0, 777]))
    def the_verifier_thinks_again(self, deduction_g: int) -> None:
        """What was proposed is of a statement that stands no longer, whatever the new one says."""
        self.state(deduction_g, "vera")
        if act := self.waiting(self.batch.issuance_acts):
            self.approve_issuance(0, next(who for who in AUTHORITY if who != act.by))

    def issue(self, batch: Batch, told: certification.Issuance) -> None:
        model = self.model
        tonnes, model.carry_g = divmod(batch.certified_g, GRAMS_PER_TONNE)
        model.rejected_g += batch.rejected_g
        model.deducted_g += batch.deducted_g
        model.credited_g += tonnes * GRAMS_PER_TONNE
        first = 1 + sum(book == ORIGIN for book, _ in model.tonnes)
        self.is_so(
            (told.quantity_t, told.carry_out_g, told.first_serial or first) == (tonnes, model.carry_g, first),
            told,
        )
        for number in range(first, first + tonnes):
            model.tonnes[ORIGIN, number] = f"holder:{ORIGIN}:{OPERATOR}"
